"""From the store to the world that is judged, and to what a plan has to know."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.ops.drain.drain_kit import BACK, NOW, OUT, ROUTERS, WORD, doing, done, plan, stored

from trimtab.errors import InvalidResponse
from trimtab.ops.arbiter.decide import decide
from trimtab.ops.arbiter.ledger import ChangeBudget, Heard
from trimtab.ops.arbiter.records import encode, key_of
from trimtab.ops.arbiter.world import Freeze, Grant, Limits, Permit, PoolState, SiteState, World
from trimtab.ops.drain.judged import Facts, seen_of, step_of, world_of
from trimtab.ops.drain.standing import Standing
from trimtab.ops.health.verdict import SiteVerdict
from trimtab.ops.steering.wish import Committed
from trimtab.registry.base import Snapshot

PROXIES = {"p1": True, "p2": True}
FACTS = Facts(
    {name: SiteState(name, capacity=100.0, proxies=PROXIES) for name in ("hk", "sg", "ny")},
    {"hk": ROUTERS, "sg": ("sg-r1",), "ny": ("ny-r1",)},
    Limits(load=100.0),
    (PoolState("hk", "api", {"b1": True, "b2": True}),),
)


def verdicts(**words: Any) -> dict[str, SiteVerdict]:
    found = {"hk": "serving", "sg": "serving", "ny": "serving", **words}
    return {name: SiteVerdict(name, word, 3, 3, NOW) for name, word in found.items()}


def world(found: Snapshot, own: Any = None, **words: Any) -> World:
    return world_of(Standing.of(found), FACTS, verdicts(**words), own)


def sg(word: Any, token: int = 0, verified: bool = True) -> Any:
    return replace(done(word, token, verified, host="sg-r1"), site="sg")


# ---- reading


def test_every_kind_is_found() -> None:
    heard = Heard("hk", "sg-r1", True, NOW)
    change_budget, freeze = ChangeBudget(3, (Grant(NOW, "drain-site", "hk", "hk"),)), Freeze("ann", "", NOW)
    found = Standing.of(
        stored(change_budget, freeze, OUT, WORD, doing("prefer"), done("serve"), heard, revision=12)
    )
    assert (found.revision, found.change_budget, found.freeze, found.permits) == (
        12,
        change_budget,
        freeze,
        (OUT,),
    )
    assert (found.committed, found.doing) == ({"hk": WORD}, {"hk": doing("prefer")})
    assert found.done == {"hk": {"hk-r1": done("serve")}}
    assert found.heard == {"hk": {"sg-r1": heard}}
    assert found.away() == {"hk"}


def test_an_empty_store_is_an_estate_that_serves() -> None:
    found = Standing.of(Snapshot(1, {}))
    assert found == Standing(1)
    assert world(Snapshot(1, {})).carrying() == ("hk", "ny", "sg")


@pytest.mark.parametrize("key", ["gate", "freeze", "permit/p1"])
def test_what_nobody_can_read_stops_every_judgement(key: str) -> None:
    with pytest.raises(InvalidResponse, match=key) as caught:
        Standing.of(Snapshot(1, {key: b'{"by":7}'}))
    assert caught.value.hint


@pytest.mark.parametrize("key", ["steer/sg", "doing/sg", "done/sg/sg-r1"])
def test_a_site_of_which_something_cannot_be_read_does_not_carry(key: str) -> None:
    found = Snapshot(1, {key: b"?"})
    assert world(found).carrying() == ("hk", "ny")
    assert Standing.of(found).away() == {"sg"}


@pytest.mark.parametrize(
    "key", ["view/sg/h1", "decision/0000000001", "decision/x", "members/api/b1", "heard/sg/x"]
)
def test_what_is_not_asked_for_harms_nobody(key: str) -> None:
    assert world(Snapshot(1, {key: b"?"})).carrying() == ("hk", "ny", "sg")


# ---- how a site stands

STEPS: dict[str, tuple[Snapshot, str]] = {
    "nothing was ever said": (stored(), "serve"),
    "drained": (stored(replace(WORD, site="sg")), "withdraw"),
    "steered away from": (stored(Committed("sg", "prefer", "ann", "", NOW)), "prefer"),
    "under way": (stored(replace(doing("prefer"), site="sg")), "prefer"),
    "on the way back": (stored(replace(WORD, site="sg"), replace(doing("prefer"), site="sg")), "withdraw"),
    "its drain ended a moment ago, it does not know": (stored(sg("withdraw", 7)), "withdraw"),
    "it is undoing it": (stored(sg("serve", verified=False)), "prefer"),
    "it has undone it": (stored(sg("serve")), "serve"),
    "a router that it has not": (stored(replace(sg("withdraw"), host="sg-r9")), "serve"),
}


@pytest.mark.parametrize(("found", "step"), STEPS.values(), ids=STEPS)
def test_the_furthest_of_word_step_and_routers(found: Snapshot, step: str) -> None:
    assert step_of("sg", Standing.of(found), ("sg-r1",)) == step
    assert ("sg" in world(found).carrying()) == (step == "serve")


def test_a_site_serves_over_any_of_its_routers() -> None:
    away, home = done("withdraw", 7), done("serve", 0, host="hk-r2")
    assert step_of("hk", Standing.of(stored(away)), ROUTERS) == "serve", "the other one was never told"
    assert step_of("hk", Standing.of(stored(away, home)), ROUTERS) == "serve"
    both = stored(away, replace(home, step="withdraw"))
    assert step_of("hk", Standing.of(both), ROUTERS) == "withdraw"
    assert step_of("hk", Standing.of(both), ()) == "serve"


def test_a_site_of_which_there_is_no_verdict_is_unknown() -> None:
    found = world_of(Standing(1), FACTS, {"hk": verdicts()["hk"]})
    assert [site.state for site in found.sites.values()] == ["serving", "unknown", "unknown"]


def test_figures_and_limits_come_through() -> None:
    found = world(stored(Freeze("ann", "", NOW)), sg="unhealthy")
    assert (found.sites["sg"].state, found.sites["sg"].agree, found.sites["sg"].of) == ("unhealthy", 3, 3)
    assert found.sites["sg"].capacity == 100.0
    assert (found.limits, found.freeze) == (FACTS.limits, Freeze("ann", "", NOW))


def test_what_a_permit_may_take_counts_as_gone() -> None:
    proxy = Permit("p5", "drain-proxy", "hk", "p1", "ann", "", NOW, 60.0)
    member = Permit("p6", "drain-member", "hk", "api/b2", "ann", "", NOW, 60.0)
    found = world(stored(proxy, member))
    assert found.sites["hk"].proxies == {"p1": False, "p2": True}
    assert found.sites["sg"].proxies == PROXIES
    assert found.pools[0].members == {"b1": True, "b2": False}


# ---- judged anew


def test_a_drain_does_not_object_to_itself() -> None:
    """Its permit, its grant and its own step are left out; otherwise none would ever come to its end."""
    change_budget = ChangeBudget(1, (Grant(OUT.at, "drain-site", "hk", "hk"),))
    found = stored(
        OUT, change_budget, doing("withdraw", 6), done("withdraw", 6), done("withdraw", 6, host="hk-r2")
    )
    facts = replace(FACTS, limits=Limits(changes=1))
    anew = world_of(Standing.of(found), facts, verdicts(hk="unreachable"), plan())
    assert decide(anew, plan().request, NOW).granted
    rules = [
        each.rule
        for each in decide(world_of(Standing.of(found), facts, verdicts()), plan().request, NOW).objections
    ]
    assert rules == ["under-way", "budget-spent"]


def test_other_grants_and_permits_stay() -> None:
    change_budget = ChangeBudget(
        2, (Grant(NOW - 5, "drain-site", "hk", "hk"), Grant(OUT.at, "drain-site", "hk", "hk"))
    )
    other = Permit("p9", "drain-proxy", "sg", "p1", "ann", "", NOW, 60.0)
    found = world(stored(OUT, change_budget, other), plan())
    assert [grant.at for grant in found.grants] == [NOW - 5]
    assert found.permits == (other,)


@pytest.mark.parametrize(("took", "rule"), [(True, ["too-few-sites"]), (False, [])])
def test_a_site_counts_as_it_was_when_the_permit_was_given(took: bool, rule: list[str]) -> None:
    """Withdrawn it is unreachable, and would seem to take nothing away while the others fail."""
    found = stored(OUT, doing("withdraw", 6))
    facts = replace(FACTS, limits=Limits(sites=2))
    mine = plan(took=took)
    anew = world_of(Standing.of(found), facts, verdicts(hk="unreachable", sg="unreachable"), mine)
    assert [each.rule for each in decide(anew, mine.request, NOW).objections] == rule


def test_a_permit_for_a_site_that_is_gone_is_judged_too() -> None:
    facts = replace(FACTS, sites={name: site for name, site in FACTS.sites.items() if name != "hk"})
    anew = world_of(Standing.of(stored(OUT)), facts, verdicts(), plan())
    assert [each.rule for each in decide(anew, plan().request, NOW).objections] == ["no-such-target"]


# ---- what a plan has to know


def test_what_is_seen_of_it() -> None:
    heard = (
        Heard("hk", "sg-r1", True, NOW),
        Heard("hk", "ny-r1", False, NOW),
        Heard("hk", "hk-r1", True, NOW),
    )
    found = Standing.of(stored(OUT, doing("withdraw", 6), done("withdraw", 6), *heard, revision=31))
    judged = world_of(found, FACTS, verdicts(sg="unreachable"), plan())
    seen = seen_of(plan(), found, judged, decide(judged, plan().request, NOW), verdicts()["hk"], lives=False)
    assert (seen.revision, seen.lives, seen.permit, seen.committed) == (31, False, True, None)
    assert (seen.doing, seen.done) == (doing("withdraw", 6), {"hk-r1": done("withdraw", 6)})
    assert seen.heard == ("sg-r1",), "its own routers do not hear it from outside"
    assert (seen.objections, seen.serving, seen.others) == ((), True, ("ny",))


def test_what_force_overruled_is_no_objection() -> None:
    found = Standing.of(stored(OUT, Freeze("ann", "", NOW)))
    for force, objections in ((True, 0), (False, 1)):
        mine = plan(force=force)
        judged = world_of(found, FACTS, verdicts(), mine)
        seen = seen_of(mine, found, judged, decide(judged, mine.request, NOW), None)
        assert len(seen.objections) == objections
        assert not seen.serving


def test_on_the_way_back_nobody_is_asked() -> None:
    found = Standing.of(stored(BACK, WORD))
    seen = seen_of(
        plan("back"), found, world_of(found, FACTS, verdicts()), None, verdicts(hk="unreachable")["hk"]
    )
    assert (seen.permit, seen.committed, seen.objections, seen.serving) == (True, WORD, (), False)


def test_the_same_bytes_are_the_same_record() -> None:
    """What is remembered of a reading is by its bytes, so a record that was changed is read anew."""
    first, second = stored(WORD), stored(replace(WORD, by="eve"))
    assert Standing.of(first).committed["hk"].by == "ann"
    assert Standing.of(second).committed["hk"].by == "eve"
    assert first.records[key_of(WORD)] == encode(WORD)
