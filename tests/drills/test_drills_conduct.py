"""What the estate itself did, judged from what its probes saw before, during and after a fault."""

from __future__ import annotations

from typing import Any

import pytest
from drills_kit import history, row

from trimtab.drills.checkers import CHECKERS, checkers_for, probes_for
from trimtab.drills.scenario import CONDUCT
from trimtab.drills.verdict import Claims, Verdict

Seen = dict[str, Any]


def judged(
    name: str, wanted: str, probe: str, looks: tuple[Any, Any, Any], told: Seen | None = None
) -> Verdict:
    """looks: before, during, after; None: nobody looked."""
    pairs = zip(("before", "during", "after"), looks, strict=True)
    evidence: Seen = {when: {} if seen is None else {probe: seen} for when, seen in pairs}
    checker = next(checker for checker in CHECKERS if checker.name == name)
    return checker.check(history(evidence={**evidence, "told": told or {}}), Claims(conduct={name: wanted}))


@pytest.mark.parametrize("name", sorted(set(CONDUCT) - {"minority", "returns", "served"}))
@pytest.mark.parametrize("missing", [0, 1, 2])
def test_what_nobody_looked_at_is_unknown(name: str, missing: int) -> None:
    (checker,) = [c for c in checkers_for(Claims(conduct={name: CONDUCT[name][0]})) if c.name == name]
    (probe,) = probes_for((checker,))
    looks: list[Any] = [{}, {}, {}]
    looks[missing] = None
    verdict = judged(name, CONDUCT[name][0], probe, (looks[0], looks[1], looks[2]))
    assert verdict.value == "unknown"
    assert ("before", "during", "after")[missing] in verdict.reasons[0]


# The VIPs.


def vip(holder: str | None) -> Seen:
    return {"holder": holder, "held": {"p1": [], "p2": []}}


@pytest.mark.parametrize(
    ("wanted", "before", "during", "value"),
    [
        ("moves", "p1", "p2", "true"),
        ("moves", "p1", "p1", "false"),
        ("moves", "p1", None, "false"),
        ("moves", None, "p2", "unknown"),
        ("stays", "p1", "p1", "true"),
        ("stays", "p1", "p2", "false"),
        ("stays", "p1", None, "false"),
        ("stays", None, "p1", "unknown"),
    ],
)
def test_the_vips_move_or_stay(wanted: str, before: str | None, during: str | None, value: str) -> None:
    assert judged("vip", wanted, "vip", (vip(before), vip(during), vip(during))).value == value


def test_a_proxy_that_takes_its_vips_back_later_has_moved_them_all_the_same() -> None:
    assert judged("vip", "moves", "vip", (vip("p1"), vip("p2"), vip("p1"))).value == "true"


# The routes.


def routes(since: str | None, also: str | None = "10:00:00.500") -> Seen:
    return {"198.18.1.0/24": {"hkix": since, "transit": also}}


T, LATER = "10:00:00.000", "10:00:07.000"


@pytest.mark.parametrize(
    ("wanted", "looks", "value", "says"),
    [
        ("leaves", (routes(T), routes("", ""), routes(LATER, LATER)), "true", ""),
        ("leaves", (routes(T), routes(T, ""), routes(LATER, LATER)), "false", "hkix still hears"),
        ("leaves", (routes(T), routes("", ""), routes("", LATER)), "false", "hkix does not hear"),
        ("leaves", (routes(T), routes(None, ""), routes(LATER, LATER)), "unknown", "gave no answer"),
        ("leaves", (routes(T), routes("", ""), routes(None, LATER)), "unknown", "gave no answer"),
        ("leaves", (routes(""), routes("", ""), routes(LATER, LATER)), "unknown", "did not hear"),
        ("leaves", (routes(None), routes("", ""), routes(LATER, LATER)), "unknown", "did not hear"),
        ("stays", (routes(T), routes(T), routes(T)), "true", ""),
        ("stays", (routes(T), routes("10:00:00.040"), routes("09:59:59.970")), "true", ""),
        ("stays", (routes(T), routes(LATER), routes(LATER)), "false", "now since 10:00:07"),
        ("stays", (routes(T), routes(""), routes(LATER)), "false", "now no more"),
        ("stays", (routes(T), routes(T), routes("")), "false", "does not hear"),
        ("stays", (routes(T), routes(T), routes(LATER)), "false", "10:00:07"),
        ("stays", (routes(T), routes(None), routes(T)), "unknown", "gave no answer"),
        ("stays", (routes(""), routes(T), routes(T)), "unknown", "did not hear"),
    ],
)
def test_routes_leave_or_stay(wanted: str, looks: tuple[Seen, Seen, Seen], value: str, says: str) -> None:
    verdict = judged("route", wanted, "route", looks)
    assert verdict.value == value, verdict.reasons
    assert says in " ".join(verdict.reasons)


def test_the_same_moment_is_the_same_across_midnight() -> None:
    looks = (routes("23:59:59.980"), routes("00:00:00.020"), routes("23:59:59.990"))
    assert judged("route", "stays", "route", looks).value == "true"


# The store.


def store(leader: str | None, **indexes: int | None) -> Seen:
    members = {
        h: None if i is None else {"leader": leader, "term": 2, "index": i} for h, i in indexes.items()
    }
    return {"leader": leader, "members": members}


@pytest.mark.parametrize(
    ("before", "during", "value"),
    [("a", "b", "true"), ("a", "a", "false"), ("a", None, "false"), (None, "b", "unknown")],
)
def test_the_leader_moves(before: str | None, during: str | None, value: str) -> None:
    looks = (store(before, a=5, b=5), store(during, a=5, b=6), store(during, a=7, b=7))
    assert judged("leader", "moves", "store", looks).value == value


@pytest.mark.parametrize(
    ("before", "during", "value"),
    [
        (store("a", a=100, b=40, c=99), store("c", a=None, b=120, c=120), "true"),
        (store("a", a=100, b=40, c=99), store("c", a=None, b=100, c=120), "true"),
        (store("a", a=100, b=40, c=99), store("c", a=None, b=99, c=120), "false"),
        (store("a", a=100, b=40, c=99), store("c", a=None, b=None, c=120), "false"),
        (store("a", a=100, b=91, c=99), store("c", a=None, b=120, c=120), "unknown"),
        (store(None, a=100, b=40, c=99), store("c", a=None, b=120, c=120), "true"),
        (store(None, a=None, b=None, c=None), store("c", a=None, b=120, c=120), "unknown"),
    ],
)
def test_who_was_behind_has_what_the_lost_leader_had(before: Seen, during: Seen, value: str) -> None:
    verdict = judged("replica", "catches-up", "store", (before, during, during))
    assert verdict.value == value, verdict.reasons


# The proxies' processes.


def served(*pids: int, failed: int = 0) -> Seen:
    return {"p1": {"serving": list(pids), "leaving": [], "failed": failed}}


TAKEN = {"p1": {"taken": True, "said": ""}}
REFUSED = {"p1": {"taken": False, "said": "127.0.0.1:9799: Address already in use"}}
DARK: Seen = {"p1": None}


@pytest.mark.parametrize(
    ("wanted", "told", "looks", "value", "says"),
    [
        ("renewed", TAKEN, (served(1, 2), served(3, 4), served(3, 4)), "true", ""),
        ("renewed", REFUSED, (served(1, 2), served(1, 2), served(1, 2)), "false", "Address already in use"),
        ("renewed", TAKEN, (served(1, 2), served(2, 3), served(3)), "false", "[2] of the old generation"),
        ("renewed", TAKEN, (served(1), served(), served()), "false", "still serve"),
        ("renewed", TAKEN, (served(1), served(2), served(2, failed=1)), "false", "1 failed reloads"),
        ("renewed", TAKEN, (served(1), DARK, served(2)), "unknown", "could not be seen"),
        ("renewed", {}, (served(1), served(2), served(2)), "unknown", "nobody was asked to reload"),
        ("kept", REFUSED, (served(1), served(1), served(2)), "true", ""),
        ("kept", TAKEN, (served(1), served(1), served(2)), "false", "reported as done"),
        ("kept", REFUSED, (served(1), served(2), served(3)), "false", "after it"),
        ("kept", REFUSED, (served(1), served(), served(2)), "false", "after it"),
        ("kept", REFUSED, (served(1), served(1), served(1)), "false", "brought no new process"),
        ("kept", REFUSED, (served(1), served(1), served(2, failed=1)), "false", "1 failed reloads"),
        ("kept", REFUSED, (served(1), served(1), DARK), "unknown", "could not be seen"),
        ("kept", {}, (served(1), served(1), served(2)), "unknown", "nobody was asked to reload"),
    ],
)
def test_workers_are_renewed_or_kept(
    wanted: str, told: Seen, looks: tuple[Seen, Seen, Seen], value: str, says: str
) -> None:
    verdict = judged("workers", wanted, "workers", looks, told)
    assert verdict.value == value, verdict.reasons
    assert says in " ".join(verdict.reasons)


def test_a_wrong_outranks_a_doubt() -> None:
    looks = ({**served(1), "p2": None}, {**served(1), "p2": None}, {**served(1), "p2": None})
    verdict = judged("workers", "renewed", "workers", looks, {**REFUSED, "p2": {"taken": True, "said": ""}})
    assert verdict.value == "false"
    assert len(verdict.reasons) == 2


# Versions.

OLD, NEW = {"haproxy": "2.6.12"}, {"haproxy": "3.0.11"}


@pytest.mark.parametrize(
    ("looks", "value", "says"),
    [
        ((OLD, NEW, OLD), "true", ""),
        ((OLD, {"haproxy": "2.6.13"}, OLD), "false", "2.6.12 before the upgrade and with 2.6.13 after it"),
        ((OLD, NEW, NEW), "false", "3.0.11 after the way back, with 2.6.12 before"),
        ((OLD, {}, OLD), "unknown", "not every program told its version"),
        (({}, {}, {}), "unknown", "not every program told its version"),
        ((OLD | {"other": "1.0"}, NEW, OLD), "unknown", "not every program told its version"),
    ],
)
def test_an_upgrade_is_one_and_its_way_back_too(
    looks: tuple[Seen, Seen, Seen], value: str, says: str
) -> None:
    before, during, after = ({"p1": look, "p2": OLD} for look in looks)
    verdict = judged("releases", "upgraded", "releases", (before, during, after), {"p1": {"taken": True}})
    assert verdict.value == value
    assert says in " ".join(verdict.reasons)


def test_an_upgrade_of_nobody_is_unknown() -> None:
    look = {"p1": OLD}
    assert judged("releases", "upgraded", "releases", (look, look, look)).value == "unknown"


BEFORE = {"hk": {"b1": "older", "b2": "older"}, "sg": {"b3": "older"}}
MIXED = {"hk": {"b1": "ours", "b2": "older"}, "sg": {"b3": "older"}}
AFTER = {"hk": {"b1": "ours", "b2": "ours"}, "sg": {"b3": "ours"}}
WORK = {"work": {"drain api/b1": "done", "ready on b2": "done"}}


@pytest.mark.parametrize(
    ("looks", "told", "value", "says"),
    [
        ((BEFORE, MIXED, AFTER), WORK, "true", ""),
        ((BEFORE, MIXED, BEFORE), WORK, "false", "b1: its agent is older at the end"),
        ((BEFORE, MIXED, AFTER | {"sg": {"b3": None}}), WORK, "false", "b3: its agent is away at the end"),
        ((BEFORE, AFTER, AFTER), WORK, "unknown", "hk: agents of both releases were wanted"),
        ((BEFORE, BEFORE, AFTER), WORK, "unknown", "hk: agents of both releases were wanted"),
        ((AFTER, MIXED, AFTER), WORK, "unknown", "b1: its agent was not of the older release at first"),
        ((BEFORE, MIXED, AFTER), {}, "unknown", "nobody worked"),
        ((BEFORE, MIXED, AFTER), {"work": {"drain api/b1": "denied"}}, "false", "drain api/b1: denied"),
    ],
)
def test_agents_of_two_releases_beside_each_other(
    looks: tuple[Seen, Seen, Seen], told: Seen, value: str, says: str
) -> None:
    verdict = judged("agents", "side-by-side", "agents", looks, told)
    assert verdict.value == value
    assert says in " ".join(verdict.reasons)


def heard(*since: str) -> Seen:
    """What an upstream hears of three hosts, and since when; "": it does not."""
    names = [f"to_hk_rack_{n}_4" for n in range(1, 1 + len(since))]
    return {"198.18.1.0/24": {"rack": {n: at for n, at in zip(names, since, strict=True) if at}}}


OLD, NEW = "10:00:00.000", "10:00:20.000"


@pytest.mark.parametrize(
    ("wanted", "during", "after", "value", "why"),
    [
        ("one-leaves", heard("", OLD, OLD), heard(NEW, OLD, OLD), "true", ""),
        ("one-leaves", heard(OLD, OLD, OLD), heard(OLD, OLD, OLD), "false", "nobody of 3 hosts left"),
        ("one-leaves", heard("", "", OLD), heard(NEW, NEW, OLD), "false", "to_hk_rack_1_4, to_hk_rack_2_4 of 3 hosts left"),
        ("one-leaves", heard("", NEW, OLD), heard(NEW, NEW, OLD), "false", "to_hk_rack_2_4 left too"),
        ("one-leaves", heard("", OLD, OLD), heard("", OLD, OLD), "false", "to_hk_rack_1_4 are not heard again"),
        ("one-restarts", heard("", OLD, OLD), heard(NEW, OLD, OLD), "true", ""),
        ("one-restarts", heard(NEW, OLD, OLD), heard(NEW, OLD, OLD), "true", ""),
        ("one-restarts", heard(NEW, NEW, OLD), heard(NEW, NEW, OLD), "false", "of 3 hosts left; it should be one"),
        ("one-restarts", {"198.18.1.0/24": {"rack": None}}, heard(OLD, OLD, OLD), "unknown", "gave no answer"),
    ],
)  # fmt: skip
def test_one_of_several_carriers(wanted: str, during: Seen, after: Seen, value: str, why: str) -> None:
    verdict = judged("carriers", wanted, "carriers", (heard(OLD, OLD, OLD), during, after))
    assert (verdict.value, why in " ".join(verdict.reasons)) == (value, True), verdict.reasons


def test_carriers_are_read_of_what_an_upstream_says() -> None:
    reply = (
        "Table master4:\n198.18.1.0/24  unicast [to_hk_rack_1_4 12:00:01.500] * (100) [AS64512i]\n\tvia 10.1.48.10 on s1u0\n"
        "               unicast [as64602_4 12:00:02.000] (100) [AS64512i]\n\tvia 100.64.0.6 on as64602\n"
        "               unicast [to_hk_rack_2_4 12:00:03.000 from 10.1.48.11] (100) [AS64512i]\n"
    )
    from trimtab.drills.probes.carriers import judge

    assert judge(reply, "to_hk_rack_") == {"to_hk_rack_1_4": "12:00:01.500", "to_hk_rack_2_4": "12:00:03.000"}
    assert judge(None, "to_hk_rack_") is None


# Proxies with a public address each.


def at_addresses(a: bool, b: bool) -> Seen:
    return {"edge-a": {"203.0.113.10": a}, "edge-b": {"203.0.113.11": b}}


@pytest.mark.parametrize(
    ("looks", "failing", "value", "why"),
    [
        (
            (at_addresses(True, True), at_addresses(False, True), at_addresses(True, True)),
            "203.0.113.10",
            "true",
            "",
        ),
        (
            (at_addresses(True, True), at_addresses(False, True), at_addresses(True, True)),
            "203.0.113.11",
            "false",
            "was not hit",
        ),
        (
            (at_addresses(True, True), at_addresses(True, True), at_addresses(True, True)),
            "",
            "false",
            "no proxy of 2",
        ),
        (
            (at_addresses(True, True), at_addresses(False, False), at_addresses(True, True)),
            "",
            "false",
            "edge-a, edge-b of 2",
        ),
        (
            (at_addresses(True, True), at_addresses(False, True), at_addresses(False, True)),
            "",
            "false",
            "at the end",
        ),
        (
            (at_addresses(False, True), at_addresses(False, True), at_addresses(True, True)),
            "",
            "unknown",
            "before the fault",
        ),
        (({}, {}, {}), "", "unknown", "no client"),
    ],
)
def test_one_of_several_public_addresses(
    looks: tuple[Seen, Seen, Seen], failing: str, value: str, why: str
) -> None:
    """What fails at the address that is lost is nobody else's; a failure at another one is."""
    sent = {
        "asia": tuple(
            row(100.0 + n / 10, address != failing or n != 40, address=address)
            for n in range(140)
            for address in ("203.0.113.10", "203.0.113.11")
        )
    }
    evidence = {
        when: {"addresses": seen} for when, seen in zip(("before", "during", "after"), looks, strict=True)
    }
    checker = next(each for each in CHECKERS if each.name == "addresses")
    verdict = checker.check(
        history(evidence=evidence, reads=sent), Claims(conduct={"addresses": "one-leaves"})
    )
    assert verdict.value == value and why in " ".join(verdict.reasons)


def test_that_nobody_was_at_another_address_is_unknown() -> None:
    looks = (at_addresses(True, True), at_addresses(False, True), at_addresses(True, True))
    evidence = {
        when: {"addresses": seen} for when, seen in zip(("before", "during", "after"), looks, strict=True)
    }
    checker = next(each for each in CHECKERS if each.name == "addresses")
    verdict = checker.check(history(evidence=evidence), Claims(conduct={"addresses": "one-leaves"}))
    assert (verdict.value, verdict.reasons) == ("unknown", ("no request was sent to another address",))


def test_whether_an_address_serves_is_what_curl_says() -> None:
    from trimtab.drills.probes.addresses import judge

    assert judge("200") and not judge("503") and not judge(None)
