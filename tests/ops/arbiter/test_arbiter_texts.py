"""What the arbiter says to people: the sentences of its rules, with their figures, and what an action would cost."""

from __future__ import annotations

import math
from typing import Any

import pytest
from tests.ops.arbiter.arbiter_kit import (
    FROZEN,
    asked,
    drain,
    drain_member,
    drain_proxy,
    grants,
    permit,
    pool,
    text_of,
    world,
)

from trimtab.ops.arbiter.world import Limits, Request, World

BUSY = Limits(load=100.0)

TEXTS: dict[str, tuple[World, Request, str, str]] = {
    "sites": (
        world("hk sg"),
        drain("xx"),
        "no-such-target",
        "no site 'xx' serves here: there are hk, sg",
    ),
    "proxies": (world(), drain_proxy("p9"), "no-such-target", "hk has no proxy 'p9': there are hk-p1, hk-p2"),
    "who": (
        world(permits=[permit()]),
        drain(),
        "under-way",
        "ann is draining sg: cabling; one change of a kind at a time",
    ),
    "who, without a reason": (
        world(permits=[permit(reason="")]),
        drain(),
        "under-way",
        "ann is draining sg; one change of a kind at a time",
    ),
    "frozen": (world(freeze=FROZEN), drain(), "frozen", "the estate is frozen by ann: the big sale"),
    "budget": (
        world(grants=grants(600, 60), limits=Limits(changes=2)),
        drain(),
        "budget-spent",
        "2 changes in the last 60 min, the limit is 2 (t0, t1); the next one in 50 min",
    ),
    "budget, with forced ones over it": (
        world(grants=grants(3500, 600, 60), limits=Limits(changes=2)),
        drain(),
        "budget-spent",
        "3 changes in the last 60 min, the limit is 2 (t0, t1, t2); the next one in 50 min",
    ),
    "budget of none": (world(limits=Limits(changes=0)), drain(), "budget-spent", "the limit is 0 changes"),
    "last": (
        world("hk sg:unreachable ny/withdraw ld:unknown"),
        drain(),
        "last-site",
        "nobody would be left: without hk no site is known to serve "
        "(ld is unknown (3 of 3 vantage points), ny is drained, sg is unreachable (3 of 3 vantage points))",
    ),
    "alone": (
        world("hk"),
        drain(),
        "last-site",
        "nobody would be left: without hk no site is known to serve (there is no other)",
    ),
    "floor": (
        world("hk sg", Limits(sites=2)),
        drain(),
        "too-few-sites",
        "1 of 2 sites would carry, the floor is 2 (sg is serving (3 of 3 vantage points))",
    ),
    "cause": (
        world("hk:unhealthy sg:unhealthy ny/prefer ld"),
        drain(automatic=True),
        "one-cause",
        "ny is steered away from, sg is unhealthy (3 of 3 vantage points): two sites never leave by one cause",
    ),
    "cause, a moment ago": (
        world("hk:unhealthy~20 sg~2 ny~2 ld~90"),
        drain(automatic=True),
        "one-cause",
        "ny, sg came back less than 60 s ago, and had not been well since hk became unhealthy: two sites never leave by one cause",
    ),
    "capacity": (
        world("hk sg ny", Limits(load=100), capacity=40),
        drain(),
        "no-capacity",
        "ny, sg would be at 125% of what they can carry; they are at 83% now",
    ),
    "proxy": (
        world(proxies="+-?"),
        drain_proxy(),
        "last-proxy",
        "no other of the 3 proxies of hk is known to work",
    ),
    "members": (
        world(pools=[pool("++--")], limits=Limits(members=50)),
        drain_member(),
        "too-few-members",
        "1 of 4 members would be well (25 %), the floor is 50 %",
    ),
    "member": (
        world(pools=[pool("+--")]),
        drain_member(),
        "last-member",
        "no other of the 3 members of api is well",
    ),
}


@pytest.mark.parametrize(("given", "request_", "rule", "text"), TEXTS.values(), ids=TEXTS)
def test_what_they_say(given: World, request_: Request, rule: str, text: str) -> None:
    assert text in text_of(asked(given, request_), rule)


def test_a_thousand_names_do_not_fill_the_screen() -> None:
    given = world("hk " + " ".join(f"s{i}:unreachable" for i in range(1000)))
    for request, rule in ((drain("xx"), "no-such-target"), (drain(), "last-site")):
        text = text_of(asked(given, request), rule)
        assert len(text) < 700
        assert "more" in text


EFFECTS: dict[str, tuple[World, Request, tuple[Any, ...]]] = {
    # before, after, full before, full after, peers, of, takes
    "a site": (
        world("hk sg ny", BUSY, capacity=50),
        drain(),
        (("hk", "ny", "sg"), ("ny", "sg"), 2 / 3, 1.0, 0, 0, True),
    ),
    "a unreachable site": (
        world("hk:unreachable sg", BUSY, capacity=200),
        drain(),
        (("sg",), ("sg",), 0.5, 0.5, 0, 0, False),
    ),
    "an unknown site": (world("hk:unknown sg"), drain(), (("sg",), ("sg",), None, None, 0, 0, True)),
    "the last site": (
        world("hk", BUSY, capacity=200),
        drain(),
        (("hk",), (), 0.5, None, 0, 0, True),
    ),
    "without capacity": (
        world("hk sg", BUSY, capacity=0),
        drain(),
        (("hk", "sg"), ("sg",), math.inf, math.inf, 0, 0, True),
    ),
    "no such site": (world("hk"), drain("xx"), (("hk",), ("hk",), None, None, 0, 0, True)),
    "a proxy": (
        world("hk sg", BUSY, capacity=100, proxies="+-?+"),
        drain_proxy(),
        (("hk", "sg"), ("hk", "sg"), 0.5, 0.5, 1, 4, True),
    ),
    "a dead proxy": (
        world(proxies="-+"),
        drain_proxy(),
        (("hk", "ny", "sg"),) * 2 + (None, None, 1, 2, False),
    ),
    "a member": (
        world("hk", pools=[pool("++-")]),
        drain_member(),
        (("hk",), ("hk",), None, None, 1, 3, True),
    ),
    "no such pool": (world("hk"), drain_member(), (("hk",), ("hk",), None, None, 0, 0, False)),
}


@pytest.mark.parametrize(("given", "request_", "expected"), EFFECTS.values(), ids=EFFECTS)
def test_what_it_would_cost(given: World, request_: Request, expected: tuple[Any, ...]) -> None:
    effect = asked(given, request_).effect
    before, after, full_before, full_after, peers, of, takes = expected
    assert (effect.sites_before, effect.sites_after) == (before, after)
    for found, wanted in ((effect.full_before, full_before), (effect.full_after, full_after)):
        assert found == (wanted if wanted is None else pytest.approx(wanted))
    assert (effect.peers, effect.peers_of, effect.takes) == (peers, of, takes)
