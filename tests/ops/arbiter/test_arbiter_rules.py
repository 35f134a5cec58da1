"""Each rule of the arbiter: where it objects, where it does not, and with which figures."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from tests.ops.arbiter.arbiter_kit import (
    FROZEN,
    NOW,
    asked,
    drain,
    drain_member,
    drain_proxy,
    grants,
    permit,
    pool,
    rules_of,
    shift,
    world,
)

from trimtab.ops.arbiter.decide import RULES, decide
from trimtab.ops.arbiter.world import Grant, Limits, Request, ServiceAddress, World

KEEPS = {
    "no-such-target",
    "unreadable",
    "is-so-already",
    "under-way",
    "last-site",
    "one-cause",
    "last-proxy",
    "last-member",
}
ONE_CHANGE, NONE_AT_ALL = Limits(changes=1), Limits(changes=0)
BUSY = Limits(load=100.0)


def unread(key: str, **more: Any) -> World:
    """A record of hk's steering that cannot be read."""
    given = world("hk/withdraw sg ny", **more)
    return replace(given, sites={**given.sites, "hk": replace(given.sites["hk"], unread=key)})


A, B, C = "198.18.1.10", "198.18.2.10", "198.18.1.11"


def holed(
    text: str = "hk sg",
    limits: Limits = Limits(),  # noqa: B008  frozen
    gone: Any = (),
    more: Any = (),
    **others: Any,
) -> World:
    """`www` has an address at hk and one at sg; gone: those that are black-holed; more: further ones of it."""
    given = world(text, limits, **others)
    at = [("hk", A), ("sg", B), *more]
    return replace(
        given,
        endpoints=tuple(ServiceAddress("www", site, address) for site, address in at if site in given.sites),
        holes=tuple((address, frozenset({site})) for address, site in gone),
    )


def hole(address: str, at: str = "") -> Request:
    return Request("blackhole", at, address, "bob", "a flood")


# world, request, the rules that object, in their order
CASES: dict[str, tuple[World, Request, list[str]]] = {
    "all is well": (world(), drain(), []),
    "no such site": (world(), drain("xx"), ["no-such-target"]),
    "a target beside the site": (world(), Request("drain-site", "hk", "sg", "bob"), ["no-such-target"]),
    "no such proxy": (world(), drain_proxy("hk-p9"), ["no-such-target"]),
    "a proxy of another site": (world(), drain_proxy("sg-p1"), ["no-such-target"]),
    "no such pool": (world(), drain_member("api/b1"), ["no-such-target"]),
    "a pool of another site": (world(pools=[pool("+++", at="sg")]), drain_member(), ["no-such-target"]),
    "no such member": (world(pools=[pool("+++")]), drain_member("api/b9"), ["no-such-target"]),
    "a pool without its member": (world(pools=[pool("+++")]), drain_member("api"), ["no-such-target"]),
    "nothing else is said of what there is not": (
        world(freeze=FROZEN, grants=grants(1), limits=ONE_CHANGE),
        drain("xx"),
        ["no-such-target"],
    ),
    "a shift": (world(), shift(), []),
    "a shift of no site": (world(), shift("xx"), ["no-such-target"]),
    "a shift of a site that is drained, for its return": (
        world("hk:unreachable/withdraw sg ny"),
        shift(),
        [],
    ),
    "a shift of the only site": (world("hk sg:unreachable"), shift(), []),
    "a shift below the floor": (world("hk sg", Limits(sites=2)), shift(), []),
    "a shift beside a drain": (world(permits=[permit()]), shift(), ["under-way"]),
    "a shift of a site that comes back": (
        world(permits=[permit("undrain-site", "hk")]),
        shift(),
        ["under-way"],
    ),
    "a shift beside another site's return": (world(permits=[permit("undrain-site", "sg")]), shift(), []),
    "a shift of what others have no room for": (
        world("hk sg", BUSY, capacity=60.0),
        shift(),
        ["no-capacity"],
    ),
    "a shift in a frozen estate, of a spent budget": (
        world(freeze=FROZEN, grants=grants(1), limits=ONE_CHANGE),
        shift(),
        ["frozen", "budget-spent"],
    ),
    "a shift where something cannot be read": (unread("steer/hk"), shift(), ["unreadable"]),
    "drained already": (world("hk:unreachable/withdraw sg ny"), drain(), ["is-so-already"]),
    "drained by a person": (world("hk:unhealthy/withdraw@ann sg ny"), drain(), ["is-so-already"]),
    "drained by agents, and a person takes it over": (
        world(
            "hk:unhealthy/withdraw@trimtab sg:unreachable ny:unreachable",
            ONE_CHANGE,
            grants=grants(10),
            freeze=FROZEN,
        ),
        drain(),
        [],
    ),
    "drained by agents, who ask again": (
        world("hk:unhealthy/withdraw@trimtab sg ny"),
        drain(automatic=True),
        ["is-so-already"],
    ),
    "drained by agents, and on its way back": (
        world("hk/withdraw@trimtab sg ny", permits=[permit(at="hk")]),
        drain(),
        ["under-way"],
    ),
    "drained by agents, and a proxy of it on its way": (
        world("hk:unhealthy/withdraw@trimtab sg ny", permits=[permit("drain-proxy", "hk", "hk-p1")]),
        drain(),
        [],
    ),
    "drained by agents, and they bring it back": (
        world("hk/withdraw@trimtab sg ny", permits=[permit("undrain-site", "hk")]),
        drain(),
        ["under-way"],
    ),
    "another one is brought back": (world(permits=[permit("undrain-site", "sg")]), drain(), []),
    "nobody knows whether it is drained": (unread("done/hk/hk-r1"), drain(), ["unreadable"]),
    "a member where nobody knows whether its site is drained": (
        unread("done/hk/hk-r1", pools=[pool("++-")]),
        drain_member(),
        ["too-few-members"],
    ),
    "less than half, and the site is drained": (
        world("hk/withdraw@ann sg ny", pools=[pool("++-")]),
        drain_member(),
        [],
    ),
    "less than half, and the drain of the site may still be undone": (
        world("hk/withdraw sg ny", pools=[pool("++-")]),
        drain_member(),
        ["too-few-members"],
    ),
    "drained already, and another one is under way": (
        world("hk:unreachable/withdraw sg/prefer ny", permits=[permit()]),
        drain(),
        ["is-so-already"],
    ),
    "its own drain is under way": (
        world("hk/withdraw sg ny", permits=[permit(at="hk")]),
        drain(),
        ["under-way"],
    ),
    "steered away from is not drained": (world("hk/prefer sg ny"), drain(), []),
    "another site under way": (world("hk sg/prefer ny", permits=[permit()]), drain(), ["under-way"]),
    "a proxy under way is another kind": (
        world(permits=[permit("drain-proxy", "hk", "hk-p2")]),
        drain(),
        [],
    ),
    "a proxy of the same site": (
        world(permits=[permit("drain-proxy", "hk", "hk-p2")], proxies="+++"),
        drain_proxy(),
        ["under-way"],
    ),
    "a proxy of another site is under way": (
        world(permits=[permit("drain-proxy", "sg", "sg-p2")]),
        drain_proxy(),
        [],
    ),
    "a member of the same pool": (
        world(pools=[pool("++++")], permits=[permit("drain-member", "hk", "api/b4")]),
        drain_member(),
        ["under-way"],
    ),
    "a member of another pool": (
        world(pools=[pool("++++")], permits=[permit("drain-member", "hk", "web/b4")]),
        drain_member(),
        [],
    ),
    "an undrain under way takes nothing": (world(permits=[permit("undrain-site", "sg")]), drain(), []),
    "frozen": (world(freeze=FROZEN), drain(), ["frozen"]),
    "budget left": (world(grants=grants(10, 20), limits=Limits(changes=3)), drain(), []),
    "budget spent": (world(grants=grants(10, 20), limits=Limits(changes=2)), drain(), ["budget-spent"]),
    "at the window's edge": (world(grants=grants(3600.0), limits=ONE_CHANGE), drain(), []),
    "just within the window": (world(grants=grants(3599.9), limits=ONE_CHANGE), drain(), ["budget-spent"]),
    "a clock ahead of ours": (world(grants=grants(-900.0), limits=ONE_CHANGE), drain(), ["budget-spent"]),
    "no change is allowed": (world(limits=NONE_AT_ALL), drain(), ["budget-spent"]),
    "budgets count sites and proxies": (
        world(grants=grants(10), limits=ONE_CHANGE),
        drain_proxy(),
        ["budget-spent"],
    ),
    "a budget that is spent is none of a member's": (
        world(pools=[pool("++++")], grants=grants(10), limits=ONE_CHANGE),
        drain_member(),
        [],
    ),
    "a member where no change is allowed": (
        world(pools=[pool("++++")], limits=NONE_AT_ALL),
        drain_member(),
        [],
    ),
    "members that went are none of the budget's": (
        world(
            grants=[Grant(NOW - n, "drain-member", "hk", f"api/b{n}") for n in range(9)], limits=ONE_CHANGE
        ),
        drain(),
        [],
    ),
    "the only site": (world("hk"), drain(), ["last-site"]),
    "the other is unreachable": (world("hk sg:unreachable"), drain(), ["last-site"]),
    "the other is unhealthy": (world("hk sg:unhealthy"), drain(), ["last-site"]),
    "of the other nobody knows": (world("hk sg:unknown"), drain(), ["last-site"]),
    "the other is drained": (world("hk sg/withdraw"), drain(), ["last-site"]),
    "the other is steered away from": (world("hk sg/prefer"), drain(), ["last-site"]),
    "a unreachable one, nobody else": (world("hk:unreachable sg:unknown"), drain(), ["last-site"]),
    "one of two may go": (world("hk sg"), drain(), []),
    "two have to stay": (world("hk sg", Limits(sites=2)), drain(), ["too-few-sites"]),
    "two stay": (world("hk sg ny", Limits(sites=2)), drain(), []),
    "a unreachable one takes nothing": (world("hk:unreachable sg", Limits(sites=2)), drain(), []),
    "an unknown one may carry": (world("hk:unknown sg", Limits(sites=2)), drain(), ["too-few-sites"]),
    "one steered away from takes nothing": (world("hk/prefer sg", Limits(sites=2)), drain(), []),
    "by an agent": (world(), drain(automatic=True), []),
    "by an agent, another is unhealthy": (
        world("hk:unhealthy sg:unhealthy ny"),
        drain(automatic=True),
        ["one-cause"],
    ),
    "by an agent, another is unknown": (
        world("hk:unhealthy sg:unknown ny"),
        drain(automatic=True),
        ["one-cause"],
    ),
    "by an agent, another is drained": (
        world("hk:unhealthy sg/withdraw ny"),
        drain(automatic=True),
        ["one-cause"],
    ),
    "by an agent, another was unhealthy a moment ago": (
        world("hk:unhealthy~20 sg~2 ny~90"),
        drain(automatic=True),
        ["one-cause"],
    ),
    "by an agent, another was unhealthy a while ago": (
        world("hk:unhealthy~200 sg~61 ny~900"),
        drain(automatic=True),
        [],
    ),
    "by an agent, another was unhealthy before": (
        world("hk:unhealthy~20 sg~21 ny~900"),
        drain(automatic=True),
        [],
    ),
    "by a person, another was unhealthy a moment ago": (world("hk:unhealthy~20 sg~2 ny~90"), drain(), []),
    "by a person": (world("hk:unhealthy sg:unhealthy ny"), drain(), []),
    "enough is left": (world("hk sg ny", BUSY, capacity=60), drain(), []),
    "just enough": (world("hk sg ny", BUSY, capacity=50), drain(), []),
    "not enough is left": (world("hk sg ny", BUSY, capacity=49), drain(), ["no-capacity"]),
    "too much already, and it carries nothing": (
        world("hk:unreachable sg ny", BUSY, capacity=40),
        drain(),
        [],
    ),
    "capacity is not measured": (world("hk sg ny", BUSY), drain(), []),
    "no peak is stated": (world("hk sg ny", capacity=1), drain(), []),
    "no capacity at all": (world("hk sg", BUSY, capacity=0), drain(), ["no-capacity"]),
    "a proxy of two": (world(), drain_proxy(), []),
    "the only proxy": (world(proxies="+"), drain_proxy(), ["last-proxy"]),
    "the other proxy is dead": (world(proxies="+-"), drain_proxy(), ["last-proxy"]),
    "of the other proxy nobody knows": (world(proxies="+?"), drain_proxy(), ["last-proxy"]),
    "of this proxy nobody knows": (world(proxies="?-"), drain_proxy(), ["last-proxy"]),
    "a dead proxy takes nothing": (world(proxies="-?"), drain_proxy(), []),
    "another proxy carries as much": (world("hk sg", BUSY, capacity=55), drain_proxy(), []),
    "full without it, and full with it": (world("hk sg", BUSY, capacity=45), drain_proxy(), []),
    "a proxy of a site that carries nothing": (
        world("hk:unreachable sg ny", BUSY, capacity=50),
        drain_proxy(),
        [],
    ),
    "half of the members": (world(pools=[pool("++")]), drain_member(), []),
    "less than half": (world(pools=[pool("++-")]), drain_member(), ["too-few-members"]),
    "the last member": (world(pools=[pool("+--")]), drain_member(), ["too-few-members", "last-member"]),
    "nobody tells how the others do": (
        world(pools=[pool("+??")]),
        drain_member(),
        ["too-few-members", "members-unknown"],
    ),
    "the only member": (world(pools=[pool("+")]), drain_member(), ["too-few-members", "last-member"]),
    "an unhealthy member": (world(pools=[pool("-+++")]), drain_member(), []),
    "an unhealthy member of unhealthy ones": (world(pools=[pool("-+---")]), drain_member(), []),
    "an unhealthy member, nobody is well": (world(pools=[pool("---")]), drain_member(), ["last-member"]),
    "a member while nobody knows who carries": (
        world("hk:unknown sg:unknown", BUSY, capacity=60, pools=[pool("++++")]),
        drain_member(),
        [],
    ),
    "an address that others have too": (holed(), hole(A), []),
    "the last address of a service": (holed("hk"), hole(A), ["last-address"]),
    "the last one that is known to serve": (holed("hk sg:unknown"), hole(A), ["last-address"]),
    "the last one that is not black-holed": (holed(gone=[(B, "sg")]), hole(A), ["last-address"]),
    "the last one of its family": (
        holed(more=[("hk", "2001:db8::1")]),
        hole("2001:db8::1"),
        ["last-address"],
    ),
    "one that serves nobody already": (holed("hk:unreachable sg"), hole(A), []),
    "one that is black-holed already": (holed("hk", freeze=FROZEN, gone=[(A, "hk")]), hole(A), []),
    "an address of nobody, in a frozen estate": (holed(freeze=FROZEN), hole("198.18.9.9"), []),
    "an address in a frozen estate": (holed(freeze=FROZEN), hole(A), ["frozen"]),
    "an address at a site that has another one": (holed(gone=[], more=[("hk", C)]), hole(A, "hk"), []),
    "one that is another site's": (holed("hk", freeze=FROZEN), hole(B, "hk"), []),
    "the last address of a site, and the others are full": (
        holed("hk sg", BUSY, capacity=60),
        hole(A),
        ["no-capacity"],
    ),
    "the last address of a site, and too few are left": (
        holed("hk sg", Limits(sites=2)),
        hole(A),
        ["too-few-sites"],
    ),
    "black holes do not count as changes": (holed(limits=NONE_AT_ALL), hole(A), []),
    "everything at once": (
        world(
            "hk sg:unreachable ny/prefer",
            Limits(changes=1, load=9.0),
            capacity=1,
            freeze=FROZEN,
            grants=grants(5),
            permits=[permit(at="ny")],
        ),
        drain(automatic=True),
        ["under-way", "frozen", "budget-spent", "last-site", "one-cause"],
    ),
}


@pytest.mark.parametrize(("given", "request_", "expected"), CASES.values(), ids=CASES)
def test_who_objects(given: World, request_: Request, expected: list[str]) -> None:
    answer = asked(given, request_)
    assert rules_of(answer) == expected
    assert answer.granted == (not expected)
    assert answer.standing == answer.objections


def test_every_rule_has_objected_and_not() -> None:
    seen = {rule for _, _, rules in CASES.values() for rule in rules}
    assert seen == {rule.name for rule in RULES}


@pytest.mark.parametrize(
    ("members", "objects", "forced"),
    [
        ("+??", ["too-few-members", "members-unknown"], True),
        ("?-", ["last-member"], False),  # that nobody says how it does itself helps nobody
        ("??", ["members-unknown"], True),
        ("?+", [], True),
    ],
)
def test_who_forces_says_how_those_do_who_say_nothing(members: str, objects: list[str], forced: bool) -> None:
    given = world(pools=[pool(members)])
    assert rules_of(asked(given, drain_member())) == objects
    answer = asked(given, drain_member(force=True))
    assert rules_of(answer) == objects and answer.granted == forced


def test_the_last_one_may_go_where_the_proxies_find_him_down() -> None:
    given = pool("+--")
    down = replace(given, members={**given.members, "b1": False}, down=frozenset({"b1", "b2"}))
    assert rules_of(asked(world(pools=[down]), drain_member())) == []
    other = replace(down, down=frozenset({"b2"}))
    assert "; the proxies find b2 down" in asked(world(pools=[other]), drain_member()).objections[0].text
    many = replace(pool("++++"), more=2)
    assert "would be well (25 %)" in asked(world(pools=[many]), drain_member()).objections[0].text


@pytest.mark.parametrize(("given", "request_", "expected"), CASES.values(), ids=CASES)
def test_force_overrules_what_a_person_may_and_nothing_else(
    given: World, request_: Request, expected: list[str]
) -> None:
    forced = Request(
        request_.kind, request_.site, request_.target, request_.by, "I know", request_.automatic, force=True
    )
    answer = asked(given, forced)
    assert rules_of(answer) == expected
    kept = {each.rule for each in answer.standing}
    assert kept == (set(expected) if request_.automatic else set(expected) & KEEPS)
    assert answer.granted == (not kept)


def test_the_table_says_which_rules_force_overrules() -> None:
    assert {rule.name for rule in RULES if not rule.forcible} == KEEPS


def test_each_objection_says_what_to_do() -> None:
    hints = {
        each.rule: each.hint
        for given, request, _ in CASES.values()
        for each in asked(given, request).objections
    }
    assert all(hints.values())
    assert all(("--force" in hints[rule.name]) == rule.forcible for rule in RULES)


@pytest.mark.parametrize("at", [math.inf, 1e11, -1e11])
def test_a_clock_that_is_wrong_by_years_frees_no_budget(at: float) -> None:
    given = world(grants=[Grant(at, "drain-site", "sg", "sg")], limits=ONE_CHANGE)
    spent = "budget-spent" in rules_of(decide(given, drain(), NOW))
    assert spent == (at > 0)  # from the far future it counts, from the far past it is over


def test_a_proxy_that_carries_its_share_takes_it_away() -> None:
    """Where VRRP moves the addresses a site carries as much with another proxy; where all carry, that share is gone."""
    given = world("hk", Limits(load=100.0), capacity=120.0, proxies="+++")
    assert "no-capacity" not in rules_of(asked(given, drain_proxy()))
    together = replace(given, sites={"hk": replace(given.sites["hk"], together=True)})
    answer = asked(together, drain_proxy())
    assert "no-capacity" in rules_of(answer)
    assert answer.effect.full_after == pytest.approx(100 / 80)
    dead = replace(
        given,
        sites={
            "hk": replace(
                given.sites["hk"], together=True, proxies={"hk-p1": True, "hk-p2": True, "hk-p3": False}
            )
        },
    )
    assert asked(dead, drain_proxy()).effect.full_before == pytest.approx(100 / 80)
