from __future__ import annotations

from pathlib import Path

import pytest
from drills_kit import LoopbackLab, TlsShop

from trimtab.drills.faults import FAULTS, table
from trimtab.drills.faults.power_cut import PowerCut
from trimtab.drills.faults.vip_holder import judge_holder
from trimtab.drills.scenario import BadScenario, builtin, find, read_scenario
from trimtab.drills.scene import Site, read_scene
from trimtab.drills.verdict import Claims
from trimtab.errors import BadInput, EnvironmentUnable

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


def test_the_scenarios_that_come_with_it_are_read() -> None:
    assert sorted(builtin()) == ["proxy-power-cut", "proxy-process-kill", "site-power-cut"]
    with pytest.raises(BadInput, match="no scenario"):
        find("site-power")


def test_claims_are_objectives_or_limits_of_their_own() -> None:
    scenario = read_scenario(GOOD, "f.yaml")
    assert scenario.limits({"rto_s": 1.0, "write_rto_s": 5.0}) == Claims(1.0, 2.0, 0, None)
    assert scenario.limits({}).reads_s is None, "a promise that the estate does not make is not judged"


@pytest.mark.parametrize(
    ("old", "new", "line", "word"),
    [
        ("shows:", "show:", 2, "unknown key"),
        ("load: 1s", "load: 1 second", 4, "duration"),
        ("power-cut", "power-cit", 5, "one of power-cut"),
        ("of: site", "of: hk", 6, "one of site"),
        ("at_most: 4s", "at_most: 1s", 8, "shorter"),
        ("restore: true", "repair: true", 9, "verb"),
        ("reads: rto", "reads: rtp", 14, "an objective"),
        ("  - fault: power-cut\n    of: site\n", "", 3, "exactly one"),
        ("  - restore: true\n", "", 3, ""),
        ("name: cut", "name: cut\nname: twice", 2, "twice"),
    ],
)
def test_faults_are_told_with_their_line(old: str, new: str, line: int, word: str) -> None:
    text = GOOD.replace(old, new)
    if not word:
        assert read_scenario(text, "f.yaml")  # a fault that a supervisor repairs needs no restoration
        return
    with pytest.raises(BadScenario) as refused:
        read_scenario(text, "f.yaml")
    assert f"f.yaml:{line}:" in str(refused.value)
    assert word in str(refused.value)


def test_a_kind_of_fault_has_one_name() -> None:
    assert set(FAULTS) == {"power-cut", "process-kill"}
    with pytest.raises(ValueError, match="power-cut"):
        table([PowerCut(), PowerCut()])


SITE = Site(
    "hk",
    ("hk-proxy-1", "hk-proxy-2"),
    ("hk-proxy-1", "hk-proxy-2"),
    "haproxy.service",
    ("198.18.1.10", "2001:db8:1::a"),
)
PLAIN = (
    "1: lo    inet 127.0.0.1/8 scope host lo\n2: e0    inet 10.1.48.10/24 brd 10.1.48.255 scope global e0\n"
)
BOTH = (
    PLAIN
    + "2: e0    inet 198.18.1.10/32 scope global e0\n2: e0    inet6 2001:db8:1:0::a/128 scope global nodad\n"
)


def test_the_holder_has_every_vip() -> None:
    assert judge_holder(SITE, {"hk-proxy-1": PLAIN, "hk-proxy-2": BOTH}) == "hk-proxy-2"


@pytest.mark.parametrize("replies", [(PLAIN, PLAIN), (BOTH, BOTH), (PLAIN, BOTH.rsplit("2: e0", 1)[0])])
def test_an_unclear_holder_is_not_guessed(replies: tuple[str, str]) -> None:
    with pytest.raises(EnvironmentUnable, match="not clear"):
        judge_holder(SITE, dict(zip(SITE.proxies, replies, strict=True)))


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
