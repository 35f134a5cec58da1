"""Faults in which an operator takes part: what they ask, whom they hit, and what they tell of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from drills_operator_kit import FRONTS, agent_json
from drills_paper_kit import PaperTwin, facts, scene

from trimtab.answers.status import Site, Word
from trimtab.drills import drain_outcome
from trimtab.drills.drain_outcome import bring_back, came_to, is_well
from trimtab.drills.faults import FAULTS
from trimtab.drills.faults.base import Aim, Struck
from trimtab.drills.faults.observer_blackhole import rules
from trimtab.drills.faults.targets import check
from trimtab.drills.journal import Journal
from trimtab.drills.play import begin_whole
from trimtab.drills.probes import PROBES
from trimtab.drills.scene import Scene
from trimtab.errors import BadInput, Denied, EnvironmentUnable


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain_outcome, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(drain_outcome, "WELL_SECONDS", 0.05)


def aim(twin: PaperTwin, kind: str, of: str = "site", where: Scene | None = None) -> Aim:
    return FAULTS[kind].aim(twin, where or scene(), {"site": "hk"}, of)


def strike(twin: PaperTwin, kind: str, of: str = "site") -> Struck:
    return FAULTS[kind].strike(twin, aim(twin, kind, of))


def asked(twin: PaperTwin) -> list[tuple[str, ...]]:
    """(host, verb, site) of what was not only asked about."""
    return [words[:3] for words in twin.arbiter.asked]


# One drain.


def test_a_drain_counts_from_the_moment_at_which_addresses_begin_to_move(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    struck = strike(twin, "drain")
    times = {step["step"]: step["monotonic_s"] for step in struck.told["steps"]}
    assert struck.at == times["prefer"] and struck.told["done"] is True
    assert asked(twin) == [("sg-registry-1", "drain", "hk")]


@pytest.mark.parametrize(("of", "target"), [("vip-holder", "hk-proxy-2"), ("backend", "api/hk-backend-1")])
def test_what_is_inside_a_site_is_drained_and_brought_back(tmp_path: Path, of: str, target: str) -> None:
    twin = PaperTwin(tmp_path)
    found = aim(twin, "drain-inside", of)
    assert found.names[2] == target and target.rpartition("/")[2] in found.nodes
    struck = FAULTS["drain-inside"].strike(twin, found)
    assert struck.at == struck.told["steps"][0]["monotonic_s"] and twin.arbiter.drained == {target}
    for _ in range(2):  # an interrupted drill is undone by the next
        FAULTS["drain-inside"].restore(twin, found)
    assert twin.arbiter.drained == set() and ("hk-registry-1", "drain", target) in asked(twin)


@pytest.mark.parametrize("of", ["vip-holder", "backend"])
def test_an_undrain_that_says_that_it_failed_is_no_success(tmp_path: Path, of: str) -> None:
    twin = PaperTwin(tmp_path)
    found = aim(twin, "drain-inside", of)
    Journal(twin).strike("drain-inside", found)
    twin.arbiter.denies = (1, "it is not drained\n")
    with pytest.raises(Denied, match=f"undrain {found.names[2]}` ended with 1: it is not drained"):
        Journal(twin).restore()
    Journal(twin).restore()
    assert not (tmp_path / "struck.jsonl").read_text(), "it is back by now"


def test_a_refusal_inside_a_site_is_no_drill(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    found = aim(twin, "drain-inside", "vip-holder")
    twin.arbiter.frozen = True
    with pytest.raises(EnvironmentUnable, match="frozen"):
        FAULTS["drain-inside"].strike(twin, found)


def test_a_drain_that_is_refused_is_no_drill(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    found = aim(twin, "drain")
    twin.arbiter.frozen = True
    with pytest.raises(EnvironmentUnable, match="frozen"):
        FAULTS["drain"].strike(twin, found)


@pytest.mark.parametrize(("kind", "of"), [("drain", "site"), ("drain-killed", "site"), ("second-fault", "site"),
                                          ("two-drains", "two-sites"), ("observer-blackhole", "one-vantage")])  # fmt: skip
def test_what_is_not_well_before_is_not_broken_further(tmp_path: Path, kind: str, of: str) -> None:
    twin = PaperTwin(tmp_path)
    twin.arbiter.drained = {"sg"}
    with pytest.raises(EnvironmentUnable, match="not every site is announced"):
        aim(twin, kind, of)


def test_a_drain_that_a_killed_drill_left_running_is_ended_before_the_site_is_brought_back(
    tmp_path: Path,
) -> None:
    twin = PaperTwin(tmp_path)
    Journal(twin).strike("drain", aim(twin, "drain"))
    begin_whole(twin)
    assert twin.ended == ["sg-registry-1"] and twin.broken() == {}
    assert asked(twin)[-1] == ("sg-registry-1", "undrain", "hk")


def test_a_site_that_does_not_come_back_stays_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = PaperTwin(tmp_path)
    Journal(twin).strike("drain", aim(twin, "drain"))
    monkeypatch.setattr(twin.arbiter, "drained", Kept({"hk"}))
    monkeypatch.setattr(drain_outcome, "BACK_SECONDS", 0.05)
    with pytest.raises(EnvironmentUnable, match="hk is not announced again"):
        Journal(twin).restore()
    assert (tmp_path / "struck.jsonl").read_text()


class Kept(set[str]):
    """Nobody comes back."""

    def discard(self, name: object) -> None:
        """Not this time."""


def test_one_that_is_announced_is_not_asked_to_come_back(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    bring_back(twin, "sg-registry-1", "/estate.yaml", "hk", "sg")
    assert asked(twin) == []


SERVES = Site(
    "hk", None, None, "serving", 3, 3, 1.0, (), "serve", "serves as the estate says", (), {}, (), None
)
DRAINED = replace(SERVES, step="withdraw", drained=Word("root@sg", 1.0, "a drill"))


@pytest.mark.parametrize(
    ("row", "came"),
    [
        (SERVES, "undone"),
        (DRAINED, "done"),
        (replace(SERVES, step="prefer"), None),  # its routers have not finished to undo it
        (replace(SERVES, step="prefer", under_way="prefer"), None),
        (replace(SERVES, step="withdraw", under_way="withdraw"), None),
        (replace(DRAINED, under_way="prefer"), None),
        (replace(SERVES, under_way="serve"), None),
    ],
)
def test_what_a_drain_came_to_is_what_stands(row: Site, came: str | None) -> None:
    assert came_to(row) == came
    assert is_well({"hk": row}) == (came == "undone")


def test_an_announced_site_that_nobody_sees_is_not_well() -> None:
    assert not is_well({"hk": SERVES, "sg": replace(SERVES, verdict="unknown")})


# Two at once.


def test_of_two_at_once_one_is_granted_and_both_answers_are_told(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    told = strike(twin, "two-drains", "two-sites").told
    first, second = told["drains"]
    assert (first["site"], first["done"], first["exit"]) == ("hk", True, 0)
    assert (second["site"], second["done"], second["rules"], second["moves"]) == (
        "sg",
        False,
        ["under-way"],
        [],
    )
    assert first["host"] == "sg-registry-1" and second["host"] == "mid-registry-1"
    assert told["routes"]["hk"]["198.18.1.0/24"] == {"hkix": "", "transit": ""}


def test_whichever_was_granted_is_brought_back(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    found = aim(twin, "two-drains", "two-sites")
    twin.arbiter.drained = {"sg"}
    FAULTS["two-drains"].restore(twin, found)
    assert twin.broken() == {}
    assert set(twin.ended) == {"sg-registry-1", "mid-registry-1"}


# Somebody dies.


def cases(twin: PaperTwin, kind: str) -> list[tuple[str, str, str]]:
    return [(case["who"], case["step"], case["came_to"]) for case in strike(twin, kind).told["cases"]]


def test_each_who_takes_part_is_killed_at_his_step(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    assert cases(twin, "drain-killed") == [
        ("the command", "prefer", "undone"),
        ("the command", "withdraw", "undone"),
        ("a router's agent", "prefer", "done"),
        ("a router's agent", "withdraw", "done"),
    ]
    assert twin.killed == ["hk-router-1/trimtab-agent.service"] * 2
    assert [words[1] for words in asked(twin)].count("undrain") == 2
    assert twin.broken() == {}


def test_a_command_is_killed_where_it_stands_and_told_so(tmp_path: Path) -> None:
    told = strike(PaperTwin(tmp_path), "drain-killed").told["cases"]
    assert [case["told"][-2:] for case in told[:2]] == [["prefer", "waits"], ["withdraw", "waits"]]
    assert [case["told"][-1] for case in told[2:]] == ["done", "done"]
    assert all(case["whole"] and case["seconds"] >= 0 for case in told)


def test_a_drain_that_somebody_else_goes_on_with_is_told_as_done(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    twin.arbiter.takes_over = True
    assert cases(twin, "drain-killed")[0] == ("the command", "prefer", "done")


def test_what_comes_to_nothing_is_the_last_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trimtab.drills.faults.drain_killed.settled", lambda *asked: None)
    assert cases(PaperTwin(tmp_path), "drain-killed") == [("the command", "prefer", "neither")]


def test_an_estate_that_does_not_become_whole_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trimtab.drills.faults.drain_killed.well", lambda *asked: False)
    (case,) = strike(PaperTwin(tmp_path), "drain-killed").told["cases"]
    assert case["whole"] is False


@pytest.mark.parametrize("leader", ["sg-registry-1", "mid-registry-1"])
def test_the_stores_leader_is_killed_wherever_it_is(tmp_path: Path, leader: str) -> None:
    twin = PaperTwin(tmp_path)
    twin.estate_leader = leader
    assert cases(twin, "estate-leader-killed") == [("the store's leader", "prefer", "done")]
    assert twin.killed == [f"{leader}/etcd-estate.service"]


# A second site is lost.


def test_another_site_loses_power_in_the_middle_of_a_drain(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    found = aim(twin, "second-fault")
    assert set(found.nodes) == set(facts()["sites"]["sg"]["hosts"])
    (case,) = FAULTS["second-fault"].strike(twin, found).told["cases"]
    assert (case["victim"], case["came_to"]) == ("sg", "undone")  # nobody else would carry
    assert case["told"] == ["prefer", "waits", "undoes", "not done"]
    assert asked(twin) == [("mid-registry-1", "drain", "hk")]
    assert twin.broken() == {"dark": set(found.nodes)}
    for _ in range(2):
        FAULTS["second-fault"].restore(twin, found)
        assert twin.broken() == {}


def test_power_comes_back_before_the_site_that_was_drained(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    Journal(twin).strike("second-fault", aim(twin, "second-fault"))
    twin.arbiter.drained = {"hk"}
    begin_whole(twin)
    assert twin.broken() == {}


# Freeze, and the loss of the store.


def test_what_is_frozen_is_refused_and_thawed_again(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    found = aim(twin, "freeze", "estate")
    told = FAULTS["freeze"].strike(twin, found).told["drain"]
    assert (told["exit"], told["rules"], told["moves"], told["expected"]) == (1, ["frozen"], [], "frozen")
    assert [words[:2] for words in asked(twin)] == [("sg-registry-1", "freeze"), ("mid-registry-1", "drain")]
    assert not any("--force" in words for words in twin.arbiter.asked)
    FAULTS["freeze"].restore(twin, found)
    assert twin.arbiter.asked[-1] == ("sg-registry-1", "freeze", "--off", "-e", "/estate.yaml")


def test_a_site_that_agents_drained_when_its_power_was_gone_is_brought_back(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    found = aim(twin, "second-fault")
    FAULTS["second-fault"].strike(twin, found)
    twin.arbiter.drained = {"sg"}
    FAULTS["second-fault"].restore(twin, found)
    assert twin.broken() == {}


@pytest.mark.parametrize("step", ["strike", "restore"])
def test_a_freeze_that_nobody_takes_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr("trimtab.drills.faults.freeze.BACK_SECONDS", 0.05)
    monkeypatch.setattr("trimtab.drills.faults.freeze.LOOK_SECONDS", 0.0)
    twin = PaperTwin(tmp_path)
    found = aim(twin, "freeze", "estate")
    twin.dark = {"hk-registry-1", "mid-registry-1"}
    work: Callable[[PaperTwin, Aim], object] = getattr(FAULTS["freeze"], step)
    with pytest.raises(EnvironmentUnable, match=r"no answer|no power"):
        work(twin, found)


def test_without_its_store_nobody_is_drained(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    told = strike(twin, "estate-loss", "estate-members").told["drain"]
    assert (told["exit"], told["moves"], told["rules"]) == (3, [], [])
    assert told["host"] not in twin.dark
    assert asked(twin) == []


# Who cannot see.


def test_one_vantage_point_is_blind_for_one_site(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    assert strike(twin, "observer-blackhole", "one-vantage").told == {"vantage": ["sg"]}
    (loses,) = twin.filters.values()
    assert all(address in loses for address in FRONTS["hk"]) and "l4proto" not in loses
    assert not any(address in loses for address in FRONTS["sg"])


def test_every_vantage_point_is_blind_for_every_site(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    assert strike(twin, "observer-blackhole", "every-vantage").told == {"vantage": ["hk", "mid", "sg"]}
    for loses in twin.filters.values():
        assert loses.count("meta l4proto tcp drop") == 2, "hosts that answer pings live"
        assert all(address in loses for addresses in FRONTS.values() for address in addresses)


def test_every_vantage_point_is_blind_for_one_front(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    assert strike(twin, "observer-blackhole", "one-front").told == {"vantage": ["hk", "mid", "sg"]}
    for loses in twin.filters.values():
        assert loses.count("meta l4proto tcp drop") == 2, "hosts that answer pings live"
        assert all(address in loses for address in FRONTS["hk"]) and not any(a in loses for a in FRONTS["sg"])


def test_the_witness_hears_of_it(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    strike(twin, "observer-blackhole", "one-vantage")
    seen = PROBES["arbiter"](twin, scene(), "hk")
    assert (seen["asked"], seen["site"]["verdict"], seen["steps"]) == (
        "sg-registry-1",
        "serving",
        {"hk": "serve", "sg": "serve"},
    )
    assert seen["site"]["reasons"] == ["sg: https: no answer within 1 s"]
    strike(twin, "drain")
    assert PROBES["arbiter"](twin, scene(), "hk")["steps"] == {"hk": "withdraw", "sg": "serve"}


def test_the_witness_asks_whoever_has_power(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    twin.dark = {"sg-registry-1"}
    assert PROBES["arbiter"](twin, scene(), "hk")["asked"] == "mid-registry-1"
    twin.dark = {"sg-registry-1", "mid-registry-1"}  # and the store has no majority
    assert PROBES["arbiter"](twin, scene(), "hk") == {"asked": None, "site": None, "steps": {}}


TRIED = """
import socket, sys
def answers(front):
    family = socket.AF_INET6 if ":" in front else socket.AF_INET
    with socket.socket(family) as server, socket.socket(family) as client:
        server.bind((front, 443))
        server.listen()
        client.bind(("::1" if ":" in front else "127.0.0.1", 0))
        client.settimeout(0.3)
        try:
            client.connect(server.getsockname())
        except TimeoutError:
            return False
        return True
print([answers(front) for front in ("127.0.0.2", "127.0.0.3", "fd00::2", "fd00::3")])
"""


@pytest.mark.daemon
@pytest.mark.parametrize("protocol", ["", "tcp"])
def test_the_real_nft_loses_the_answers_of_these_fronts_alone(protocol: str) -> None:
    """Silently: an error would be the observer's own, and say nothing of the front."""
    script = "ip link set lo up; ip addr add fd00::2/128 dev lo nodad; ip addr add fd00::3/128 dev lo nodad\n"
    script += 'for _ in 1 2; do printf %s "$0" | nft -f -; done; python3 -c "$1"'
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-euc", script, rules(("127.0.0.2", "fd00::2"), protocol), TRIED],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "[False, True, False, True]", done.stderr


# What an estate may lack.


def test_agents_that_may_not_drain_are_told_before_anything_is_hidden_from_them(tmp_path: Path) -> None:
    """An operator's drain is forced past a budget that other drills have spent; agents force nothing."""
    twin = PaperTwin(tmp_path)
    twin.arbiter.spent = True
    with pytest.raises(EnvironmentUnable, match=r"agents may not drain hk now: .*budget-spent"):
        aim(twin, "observer-blackhole", "one-front")
    with pytest.raises(EnvironmentUnable, match=r"agents may not drain hk now: .*budget-spent"):
        aim(twin, "pool-loss", "backends")
    assert not twin.filters


def test_a_site_that_nobody_serves_reaches_no_other_ones_proxies(tmp_path: Path) -> None:
    twin = PaperTwin(tmp_path)
    strike(twin, "pool-loss", "backends")
    assert set(twin.filters) == {"hk-proxy-1", "hk-proxy-2"}
    assert all("tcp dport 8443 reject" in each for each in twin.filters.values())
    assert twin.broken()["dark"] == {"hk-backend-1", "hk-backend-2", "hk-backend-3"}


@pytest.mark.parametrize(
    ("kind", "of", "changed", "says"),
    [
        ("drain", "site", {"estate_store": None}, "no store of its own"),
        ("estate-loss", "estate-members", {"estate_store": None}, "no store of its own"),
        ("freeze", "estate", {"sites": {"hk": facts()["sites"]["hk"]}}, "nobody else would carry"),
        ("observer-blackhole", "one-vantage", {"sites": {"hk": facts()["sites"]["hk"]}}, "but for hk no site has a registry"),
        ("observer-blackhole", "one-front", {"automatic": False}, "drain no site by themselves"),
        ("pool-loss", "backends", {"automatic": False}, "drain no site by themselves"),
        ("pool-loss", "backends", {"estate_store": None}, "no store of its own"),
        ("observer-blackhole", "one-front", {"estate_store": None}, "no store of its own"),
        ("second-fault", "site", {"sites": {n: facts()["sites"][n] for n in ("hk", "sg")}}, "but for hk, sg no site"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_before_there_is_a_twin(
    tmp_path: Path, kind: str, of: str, changed: dict[str, Any], says: str
) -> None:
    where = scene(**changed)
    for refuse in (
        lambda: check(where, {"site": "hk"}, kind, of),
        lambda: aim(PaperTwin(tmp_path), kind, of, where),
    ):
        with pytest.raises(BadInput, match=says):
            refuse()


def test_an_observer_that_looks_at_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drills_paper_kit.agent_json", lambda node: agent_json(node, ["sg"]))
    with pytest.raises(EnvironmentUnable, match="looks at no site endpoint of hk"):
        aim(PaperTwin(tmp_path), "observer-blackhole", "one-vantage")
