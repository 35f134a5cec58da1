"""The drill `blackhole`: what the kernel and clients showed is read, and each planted failure is found."""

from __future__ import annotations

from typing import Any

import pytest
from drills_paper_kit import facts, scene

from trimtab.drills.checkers.black_hole import BlackHoleConduct
from trimtab.drills.faults.black_hole_needs import needs_black_hole
from trimtab.drills.history import Events, Expected, History
from trimtab.drills.load.record import Row
from trimtab.drills.probes.black_hole import address_of, judge
from trimtab.drills.verdict import Claims, Verdict
from trimtab.errors import BadInput

KERNEL = """\
default via 198.51.100.1 dev up0 proto bird metric 32
unreachable 198.18.1.0/24 proto bird metric 32
blackhole 198.18.1.10 proto bgp metric 20
"""
A = "198.18.1.10"
TOLD = {"address": A, "service": "www", "regions": ["asia"], "since": 13.0, "until": 40.0}


def test_what_the_kernel_leads_to_nowhere_is_read() -> None:
    assert (
        judge(KERNEL, A)
        and not judge(KERNEL, "198.18.1.1")
        and not judge(KERNEL.replace("blackhole", "unicast"), A)
    )
    assert not judge("", A) and judge("blackhole 2001:db8:1::a dev lo proto bird metric 32", "2001:db8:1::a")


def look(**changed: Any) -> dict[str, Any]:
    return {
        "address": A, "ours": {"hk-router-1": False}, "upstreams": {"hkix": False, "deaf": False}, "drops": ["hkix"],
        "arrives": {"hk-router-1": 12}, "records": [], **changed,
    }  # fmt: skip


DROPPED = {
    "ours": {"hk-router-1": True},
    "upstreams": {"hkix": True, "deaf": False},
    "arrives": {"hk-router-1": 0},
}
OVER = {"records": [{"number": 3, "state": "over"}]}


def row(start: float, ok: bool, service: str = "www", family: int = 4) -> Row:
    return Row(
        "new",
        family,
        service,
        start,
        0,
        0.1,
        0.1,
        ok,
        ok,
        1,
        "" if ok else "timeout",
        200 if ok else 0,
        "hk",
        "b",
    )


HIT = (row(5, True), row(14, True), row(20, False), row(30, False), row(55, True))
ELSEWHERE = (row(20, True),)
BESIDE = (row(20, True, "api"), row(20, True, "www", 6), row(55, True, "api"))


def judged(
    during: Any = (), after: Any = (), before: Any = (), asia: Any = (*HIT, *BESIDE), america: Any = ELSEWHERE,
    told: Any = TOLD,
) -> Verdict:  # fmt: skip
    evidence = {
        "before": {"blackhole": look(**dict(before))},
        "during": {"blackhole": look(**{**DROPPED, **dict(during)})},
        "after": {"blackhole": look(**{**OVER, **dict(after)})},
        "told": told,
    }
    reads = {"asia": tuple(sorted(asia, key=lambda each: each.start)), "america": tuple(america)}
    history = History("hk", Events(0, 10, 25, 50, 60), Expected(1, 1), reads, evidence=evidence)
    return BlackHoleConduct().check(history, Claims(conduct={"blackhole": "one-address"}))


def test_one_address_is_given_up_and_comes_back() -> None:
    found = judged()
    assert (found.value, found.reasons, found.figures["failed_beside"]) == ("true", (), 0)


@pytest.mark.parametrize(
    ("changed", "value", "says"),
    [
        ({"asia": (*HIT, *BESIDE, row(21, False, "api"))}, "false", "asia: 1 requests to others failed, the first to api over IPv4"),
        ({"asia": (*HIT, *BESIDE, row(21, False, "www", 6))}, "false", "to www over IPv6"),
        ({"america": (row(20, False),)}, "false", "america: 1 requests to others failed"),
        ({"asia": (*HIT, *BESIDE, row(30, True))}, "false", "were answered while it was black-holed"),
        ({"asia": (*HIT, *BESIDE, row(56, False))}, "false", "failed after its end"),
        ({"asia": (*HIT[:-1], *BESIDE)}, "false", "nobody asked at 198.18.1.10 after its end"),
        ({"during": {"ours": {"hk-router-1": False}}}, "false", "hk-router-1 does not drop"),
        ({"during": {"upstreams": {"hkix": False, "deaf": False}}}, "false", "hkix does not drop"),
        ({"during": {"upstreams": {"hkix": True, "deaf": True}}}, "false", "deaf drops"),
        ({"during": {"arrives": {"hk-router-1": 3}}}, "false", "3 packets to 198.18.1.10 arrived at hk-router-1"),
        ({"after": {"upstreams": {"hkix": True, "deaf": False}}}, "false", "hkix drops 198.18.1.10 still"),
        ({"after": {"ours": {"hk-router-1": True}}}, "false", "hk-router-1 drops 198.18.1.10 still"),
        ({"after": {"arrives": {"hk-router-1": 0}}}, "false", "arrives again"),
        ({"after": {"records": [{"number": 3, "state": "lifted"}]}}, "false", "did not end by itself"),
        ({"after": {"records": None}}, "unknown", "nobody could say"),
        ({"before": {"arrives": {"hk-router-1": 0}}}, "unknown", "nothing was proved"),
        ({"before": {"upstreams": {"hkix": True}}}, "unknown", "dropped before"),
        ({"during": {"upstreams": {"hkix": None, "deaf": False}}}, "unknown", "hkix gave no answer"),
        ({"during": {"arrives": {"hk-router-1": None}}}, "unknown", "could not count"),
        ({"told": {}}, "unknown", "nothing was black-holed"),
    ],
)  # fmt: skip
def test_what_is_otherwise_is_found(changed: dict[str, Any], value: str, says: str) -> None:
    found = judged(**changed)
    assert found.value == value and says in " ".join(found.reasons)


def region(nearest: str, *targets: tuple[str, list[str]]) -> dict[str, Any]:
    told = [
        {"service": name, "host": f"{name}.shop.example", "path": "/", "addresses": each}
        for name, each in targets
    ]
    return {"node": f"clients-{nearest}", "nearest": nearest, "sources": {}, "targets": told}


WWW, API = ("www", ["2001:db8:1::a", A]), ("api", ["203.0.113.10"])
REGIONS = {"asia": region("hk", WWW, API), "america": region("sg", ("www", ["198.18.2.10"]), API)}


def test_the_address_is_one_that_only_this_site_s_clients_ask_at() -> None:
    assert address_of(scene(regions=REGIONS), "hk").address == A
    with pytest.raises(BadInput, match="mid has no address of its own"):
        address_of(scene(regions=REGIONS), "mid")
    with pytest.raises(BadInput, match="hk has no address"):
        address_of(scene(regions={"asia": region("hk", ("www", [A]))}), "hk")


def test_without_an_upstream_that_accepts_it_there_is_nothing_to_do() -> None:
    with pytest.raises(BadInput, match="no upstream of hk accepts black holes"):
        needs_black_hole(scene(regions=REGIONS), {"site": "hk"})
    sites = facts()["sites"]
    sites["hk"]["upstreams"]["hkix"]["drops"] = True
    needs_black_hole(scene(regions=REGIONS, sites=sites), {"site": "hk"})
