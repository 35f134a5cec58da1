from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from drills_kit import LoopbackLab, TlsShop

from trimtab.drills.checkers import CHECKERS, checkers_for, probes_for
from trimtab.drills.faults import FAULTS
from trimtab.drills.probes import PROBES
from trimtab.drills.scenario import BUSIEST, CLAIMS, CONDUCT, Inject, Prepare, Restore, Scenario
from trimtab.drills.scenario_file import BadScenario, builtin, find, read_scenario
from trimtab.drills.scene import read_scene
from trimtab.drills.verdict import Claims
from trimtab.errors import BadInput

GOOD = """\
name: cut
shows: what happens
steps:
  - load: 1s
  - fault: power-cut
    of: site
  - observe: 2s
    at_most: 4s
  - restore: true
  - wait: ready
    at_most: 30s
  - observe: 1s
claims:
  reads: rto
  writes: 2s
  orders: 0
"""
PREPARED = """\
name: lag
shows: what happens
arguments:
  site: la
  upstream: first
steps:
  - prepare: lead
    of: site
  - prepare: cable-cut
    of: replica-links
  - load: 1s
  - fault: power-cut
    of: site
  - observe: 2s
  - restore: true
  - wait: ready
    at_most: 30s
  - observe: 1s
claims:
  reads: 500ms
  failed: 3
  leader: moves
  replica: catches-up
"""
PROMISES = {"rto_s": 1.0, "write_rto_s": 5.0, "write_rpo": 0.0}
ALL = sorted(builtin())


def test_the_scenarios_that_come_with_it_are_read() -> None:
    assert set(ALL) >= {
        "proxy-power-cut",
        "proxy-process-kill",
        "site-power-cut",
        "site-partition",
        "proxy-upgrade",
    }
    with pytest.raises(BadInput, match="no scenario"):
        find("site-power")


def test_a_scenario_of_ones_own_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(GOOD)
    assert find(str(tmp_path / "own.yaml")) == read_scenario(GOOD, "own.yaml")
    with pytest.raises(BadInput, match="No such file"):
        find(str(tmp_path / "none.yaml"))


@pytest.mark.parametrize("name", ALL)
def test_what_a_built_in_scenario_names_is_there(name: str) -> None:
    scenario = builtin()[name]
    assert scenario.name == name
    assert len(scenario.shows) > 20
    for step in scenario.steps:
        if isinstance(step, (Prepare, Inject)):
            assert step.of in FAULTS[step.kind].targets
    checkers = checkers_for(scenario.limits(PROMISES))
    assert {checker.name for checker in checkers} == {"load", *scenario.claims}
    assert set(probes_for(checkers)) <= set(PROBES)


@pytest.mark.parametrize("name", ALL)
def test_what_only_somebody_elses_repair_ends_is_restored(name: str) -> None:
    """A killed process needs none, its supervisor restarts it; neither does what has taken place, a reload or a deployment."""
    scenario = builtin()[name]
    kinds = {step.kind for step in scenario.steps if isinstance(step, (Prepare, Inject))}
    restores = any(isinstance(step, Restore) for step in scenario.steps)
    assert restores == bool(kinds - {"process-kill", "reload", "crash-loop", "deploy", "die-answering"})


def test_every_claim_has_a_checker_of_its_name() -> None:
    names = [checker.name for checker in CHECKERS]
    assert sorted(names) == sorted({"load", *CLAIMS})


def test_claims_are_objectives_or_limits_of_their_own() -> None:
    scenario = read_scenario(GOOD, "f.yaml")
    assert scenario.limits({"rto_s": 1.0, "write_rto_s": 5.0}) == Claims(1.0, 2.0, 0, None)
    assert scenario.limits({}).reads_s is None, "a promise that the estate does not make is not judged"


def test_what_is_prepared_and_asked_for_is_read() -> None:
    scenario = read_scenario(PREPARED, "f.yaml")
    assert scenario.steps[:2] == (Prepare("lead", "site"), Prepare("cable-cut", "replica-links"))
    assert (scenario.site, scenario.arguments) == ("la", ("site", "upstream"))
    limits = scenario.limits(PROMISES)
    assert (limits.reads_s, limits.failed) == (0.5, 3)
    assert limits.conduct == {"leader": "moves", "replica": "catches-up"}
    assert limits.writes_s is None


def test_a_site_can_always_be_named() -> None:
    scenario = read_scenario(GOOD, "f.yaml")
    assert (scenario.site, scenario.arguments) == (BUSIEST, ("site",))


@pytest.mark.parametrize("name", sorted(CONDUCT))
def test_conduct_has_words_of_its_own(name: str) -> None:
    for word in CONDUCT[name]:
        scenario = read_scenario(f"{GOOD}  {name}: {word}\n", "f.yaml")
        assert scenario.limits(PROMISES).conduct == {name: word}
    with pytest.raises(BadScenario) as refused:
        read_scenario(f"{GOOD}  {name}: perhaps\n", "f.yaml")
    (fault,) = refused.value.faults
    assert (fault.line, fault.message) == (17, "got `perhaps`")
    assert fault.hint == f"one of {', '.join(CONDUCT[name])}"


@pytest.mark.parametrize(
    ("old", "new", "line", "word"),
    [
        ("shows:", "show:", 2, "unknown key"),
        ("shows:", "show:", 1, "the key `shows` is missing"),
        ("load: 1s", "load: 1 second", 4, "duration"),
        ("power-cut", "power-cit", 5, "one of power-cut"),
        ("of: site", "of: hk", 6, "one of site"),
        ("    of: site\n", "", 5, "the key `of` is missing"),
        ("at_most: 4s", "at_most: 1s", 8, "shorter"),
        ("restore: true", "repair: true", 9, "verb"),
        ("reads: rto", "reads: rtp", 14, "an objective"),
        ("orders: 0", "orders: 1s", 16, "an objective"),
        ("orders: 0", "failed: -1", 16, "an objective"),
        ("orders: 0", "vap: moves", 16, "unknown key"),
        ("  - fault: power-cut\n    of: site\n", "", 3, "exactly one"),
        ("  - load: 1s\n", "", 3, "the order is (prepare,) load, fault, observe"),
        ("  - observe: 1s\n", "", 3, "after the observation come (restore,) wait and observe"),
        ("name: cut", "name: cut\nname: twice", 2, "twice"),
        ("name: cut", "name: [cut]", 1, "text is expected"),
        ("steps:\n", "arguments: {host: x}\nsteps:\n", 3, "known here: site, upstream"),
        ("claims:", "claims: none\nnone:", 13, "a map of keys is expected"),
    ],
)
def test_faults_are_told_with_their_line(old: str, new: str, line: int, word: str) -> None:
    with pytest.raises(BadScenario) as refused:
        read_scenario(GOOD.replace(old, new), "f.yaml")
    told = [f"{fault.message} {fault.hint}" for fault in refused.value.faults if fault.line == line]
    assert any(word in text for text in told), str(refused.value)
    assert f"f.yaml:{line}:" in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "word"),
    [
        ("prepare: lead", "prepare: led", 7, "one of power-cut"),
        ("of: replica-links", "of: cables", 10, "one of site-links"),
        ("  - restore: true\n", "", 6, "what was prepared has to be undone"),
        (
            "  - load: 1s\n",
            "  - load: 1s\n  - prepare: lead\n    of: site\n",
            6,
            "the order is (prepare,) load",
        ),
        ("failed: 3", "failed: few", 21, "for orders and failed `0`"),
    ],
)
def test_faults_around_a_preparation_are_told_too(old: str, new: str, line: int, word: str) -> None:
    with pytest.raises(BadScenario) as refused:
        read_scenario(PREPARED.replace(old, new), "f.yaml")
    told = [f"{fault.message} {fault.hint}" for fault in refused.value.faults if fault.line == line]
    assert any(word in text for text in told), str(refused.value)
    assert f"f.yaml:{line}:" in str(refused.value)


def test_what_a_supervisor_repairs_needs_no_restoration() -> None:
    assert isinstance(read_scenario(GOOD.replace("  - restore: true\n", ""), "f.yaml"), Scenario)


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(BadScenario) as refused:
        read_scenario(GOOD.replace("load: 1s", "load: x").replace("orders: 0", "orders: x"), "f.yaml")
    assert [fault.line for fault in refused.value.faults] == [4, 16]


def test_the_default_site_is_the_one_with_most_clients(tmp_path: Path) -> None:
    facts = LoopbackLab(tmp_path, TlsShop(443), tmp_path, None).status()["facts"]
    site, region = facts["sites"]["hk"], facts["regions"]["asia"]
    facts["sites"] = {"la": site, "hk": site}
    facts["regions"] = {
        name: {**region, "nearest": near} for name, near in (("a", "hk"), ("b", "hk"), ("c", "la"))
    }
    scene = read_scene(facts)
    assert scene.busiest_site() == "hk"
    assert scene.ledger is None
    with pytest.raises(BadInput, match="no site 'sg'"):
        scene.site("sg")


def test_a_limit_is_not_a_promise_of_the_estate() -> None:
    scenario = replace(read_scenario(GOOD, "f.yaml"), claims={"failed": 2.0, "reads": "rto"})
    assert scenario.limits({}) == Claims(failed=2)
