"""A proxy or a member is taken out inside a site: who is asked, what is written, what is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.agent.control_kit import FakeRegistry, now, run, until

from trimtab.errors import Denied, LeaseGone, Unreachable
from trimtab.ops.arbiter.world import Limits, PoolState, Request, SiteState
from trimtab.ops.drain.granting import CHECKS_S, Watching
from trimtab.ops.drain.judged import Facts
from trimtab.ops.drain.local import LocalDrain
from trimtab.ops.drain.of_pool import found_down
from trimtab.ops.drain.plan import Finished
from trimtab.ops.drain.ramp import grow
from trimtab.ops.drain.standing import decisions_in
from trimtab.ops.drain.targets import MemberTarget, Overruled, ProxyTarget
from trimtab.ops.overrides.member import (
    STEPS,
    PoolMember,
    Who,
    is_ramping,
    pool_members,
    records,
    write_planned,
)
from trimtab.registry.base import Snapshot, Write
from trimtab.registry.record import CheckState, FrontState, Override, ProxyOverride, key_of

WHO = Who("ann@hk-router-1", "a new kernel", 5000.0)
MEMBERS = ("b1", "b2", "b3")
PROXIES = ("p1", "p2")


def facts(snapshot: Snapshot) -> Facts:
    """As `of_site` makes them, without an estate."""
    read = records(snapshot)
    overrides = {p: read.get(f"proxies/{p}") for p in PROXIES}
    out = frozenset(
        p
        for p, override in overrides.items()
        if isinstance(override, ProxyOverride) and override.state == "drain"
    )
    down, _ = found_down("api", read)
    members = {each.name: each.weight > 0 and each.name not in down for each in site_members(snapshot)}
    gone = frozenset(
        each.name for each in site_members(snapshot) if each.override and each.override.state != "ready"
    )
    site = SiteState("hk", proxies={p: p not in out for p in PROXIES}, drained=out)
    return Facts({"hk": site}, {"hk": ("r1",)}, Limits(), (PoolState("hk", "api", members, gone, down=down),))


def site_members(snapshot: Snapshot) -> tuple[PoolMember, ...]:
    return pool_members(snapshot, "api", MEMBERS, registers=False)


class Site:
    """Two stores, and a command against them."""

    def __init__(self, limit_s: float = 60.0) -> None:
        self.store, self.registry = FakeRegistry(), FakeRegistry()
        self.moves: list[tuple[str, str]] = []
        self.limit_s = limit_s
        self.fronts({})

    def fronts(self, leaving: dict[str, int], holder: str = "p1", drained: str = "") -> None:
        self.registry.put(*(FrontState(p, p == holder, p == drained, leaving) for p in PROXIES))

    def work(self) -> LocalDrain:
        return LocalDrain(
            self.store, self.registry, facts, Watching(()), lambda *move: self.moves.append(move),
            limit_s=self.limit_s, now=now,
        )  # fmt: skip

    async def drain_proxy(self, host: str = "p1") -> Finished:
        others = tuple(each for each in PROXIES if each != host)
        return await self.work().drain(_request("drain-proxy", host), ProxyTarget(host, others, WHO))

    async def drain_member(self, name: str = "b1", **other: Any) -> Finished:
        return await self.work().drain(_request("drain-member", f"api/{name}"), member(name, **other))

    def kept(self, kind: str) -> list[str]:
        return [key for key in self.store.records if key.startswith(f"{kind}/")]

    def state(self, name: str) -> tuple[str, int | None]:
        override = records(Snapshot(1, dict(self.registry.records))).get(f"hand/api/{name}")
        return (override.state, override.weight) if isinstance(override, Override) else ("", None)


def _request(kind: Any, target: str) -> Request:
    return Request(kind, "hk", target, WHO.by, WHO.reason)


def member(name: str, **other: Any) -> MemberTarget:
    given = {"who": WHO, "places": (f"api/{name}",), **other}
    return MemberTarget("api", name, site_members, PROXIES, **given)


def play(act: Callable[[Site], Awaitable[None]], **other: Any) -> None:
    async def whole() -> None:
        await act(Site(**other))

    run(whole())


def test_a_proxy_is_drained_once_another_one_holds_the_addresses() -> None:
    async def act(site: Site) -> None:
        task = asyncio.create_task(site.drain_proxy())
        await until(lambda: "proxies/p1" in site.registry.records)
        assert site.kept("permit"), "it is held as long as it is under way"
        site.fronts({}, holder="", drained="p1")
        await until(lambda: ("waits", "no other proxy has taken the addresses yet") in site.moves)
        site.fronts({}, holder="p2", drained="p1")
        found = await task
        assert found.done and found.why == "p2 holds the addresses; p1 may be stopped"
        assert not site.kept("permit") and len(site.kept("decision")) == 1
        with pytest.raises(Denied, match="is-so-already"):
            await site.drain_proxy()
        with pytest.raises(Denied, match="last-proxy: no other of the 2 proxies"):
            await site.drain_proxy("p2")

    play(act)


def test_a_proxy_whose_addresses_nobody_takes_takes_part_again(limit_s: float = 60.0) -> None:
    async def act(site: Site) -> None:
        found = await site.drain_proxy()
        assert not found.done and found.why == "p1 has not given its addresses away; it takes part again"
        word = records(await site.registry.read())["proxies/p1"]
        assert isinstance(word, ProxyOverride) and word.state == "ready" and not site.kept("permit")
        granted, undone = decisions_in(site.store.records)
        assert (granted.outcome, undone.outcome, undone.act) == ("granted", "undone", "drain-proxy")
        assert undone.objections[0].text.startswith("p1 has not given its addresses away")

    play(act, limit_s=limit_s)


@pytest.mark.parametrize("limit_s", [0.0, 0.5])
def test_a_short_wait_is_about_members_and_a_proxys_word_is_taken_back_all_the_same(limit_s: float) -> None:
    test_a_proxy_whose_addresses_nobody_takes_takes_part_again(limit_s=limit_s)


def test_a_registry_that_is_away_meanwhile_hears_the_word_taken_back_when_it_is_there_again() -> None:
    async def act(site: Site) -> None:
        task = asyncio.create_task(site.drain_proxy())
        await until(lambda: "proxies/p1" in site.registry.records)
        site.registry.down = True
        await asyncio.sleep(20)
        site.registry.down = False
        found = await task
        assert not found.done and found.why.endswith("it takes part again")

    play(act, limit_s=0.5)


def test_a_member_is_drained_when_nothing_is_under_way_to_it() -> None:
    async def act(site: Site) -> None:
        task = asyncio.create_task(site.drain_member())
        await until(lambda: site.state("b1") == ("drain", None))
        await until(lambda: ("waits", "not yet noted by p1, p2") in site.moves)
        site.fronts({"api/b1": 2})
        await until(lambda: ("waits", "4 requests are under way to api/b1") in site.moves)
        site.fronts({"api/b1": 0})
        found = await task
        assert found.done and found.why == "nothing is under way to api/b1"
        assert not site.kept("permit")

    play(act)


def test_one_that_never_gets_idle_is_drained_and_said_to_be_busy() -> None:
    async def act(site: Site) -> None:
        site.fronts({"api/b1": 1})
        found = await site.drain_member()
        assert not found.done and "drained, but not idle: 2 requests are under way" in found.why
        assert site.state("b1") == ("drain", None) and not site.kept("permit")

    play(act, limit_s=5.0)


def test_where_the_proxy_does_not_tell_a_requests_longest_time_is_waited() -> None:
    async def act(site: Site) -> None:
        began = now()
        assert (await site.drain_member(tells=False, longest_s=30.0)).done
        assert now() - began >= 30.0

    play(act)


def test_floors_hold_and_the_refusal_is_kept() -> None:
    async def act(site: Site) -> None:
        site.fronts({"api/b1": 0, "api/b2": 0})
        assert (await site.drain_member("b1")).done
        with pytest.raises(Denied, match=r"too-few-members: 1 of 3 members would be well \(33 %\)"):
            await site.drain_member("b2")
        assert site.state("b2") == ("", None) and len(site.kept("decision")) == 2

    play(act)


def finds_down(*names: str) -> list[FrontState | CheckState]:
    named = tuple(f"api/{each}" for each in names)
    fronts = [FrontState(p, p == "p1", leaving={"api/b1": 0}) for p in PROXIES]
    return [*fronts, *(CheckState(p, {"api": len(named)} if named else {}, named) for p in PROXIES)]


def test_whoever_has_come_back_just_now_is_waited_for_until_the_checks_have_seen_it() -> None:
    async def act(site: Site) -> None:
        site.registry.put(*finds_down("b2"))
        task = asyncio.create_task(site.drain_member("b1"))
        await asyncio.sleep(1.0)
        assert not site.kept("decision") and not task.done()
        site.registry.put(*finds_down())
        assert (await task).done and len(site.kept("decision")) == 1

    play(act)


def test_who_stays_down_is_waited_for_for_a_moment() -> None:
    async def act(site: Site) -> None:
        site.registry.put(*finds_down("b2"))
        began = now()
        with pytest.raises(Denied, match=r"too-few-members: 1 of 3 .*; the proxies find b2 down"):
            await site.drain_member("b1")
        assert CHECKS_S <= now() - began < CHECKS_S + 1 and site.state("b1") == ("", None)
        site.registry.put(*finds_down("b1", "b2"))
        began = now()
        assert (await site.drain_member("b1")).done and now() - began < CHECKS_S, "nobody is sent there"

    play(act)


def test_two_at_once_are_one_after_the_other() -> None:
    async def act(site: Site) -> None:
        found = await asyncio.gather(site.drain_proxy("p1"), site.drain_proxy("p2"), return_exceptions=True)
        refused = [each for each in found if isinstance(each, Denied)]
        assert len(refused) == 1, found
        assert len([key for key in site.registry.records if key.startswith("proxies/")]) == 1

    play(act)


def test_what_is_taken_at_once_waits_for_nobody_and_its_permit_ends() -> None:
    async def act(site: Site) -> None:
        site.fronts({"api/b1": 9})
        assert await site.work().take([_request("drain-member", "api/b1")], member("b1").out)
        assert site.state("b1") == ("drain", None) and not site.kept("permit")
        with pytest.raises(Denied, match="too-few-members"):
            await site.work().take([_request("drain-member", "api/b2")], member("b2").out)
        assert site.state("b2") == ("", None) and len(site.kept("decision")) == 2

    play(act)


def test_a_permit_that_has_ended_takes_nobody_out() -> None:
    """The registry hangs after it was granted, and the store goes: by then somebody else may have been granted another."""

    class Hangs(FakeRegistry):
        def __init__(self, store: FakeRegistry) -> None:
            super().__init__()
            self._store = store

        async def read(self) -> Snapshot:
            found = await super().read()
            if self.reads > 1:
                self._store.down = True
                await asyncio.sleep(30)
            return found

    async def act(site: Site) -> None:
        site.registry = Hangs(site.store)
        with pytest.raises(LeaseGone, match="the permit has ended before it was used"):
            await site.work().take([_request("drain-member", "api/b1")], member("b1").out)
        assert site.state("b1") == ("", None)

    play(act)


def test_a_command_that_is_killed_leaves_its_permit_to_its_lease() -> None:
    async def act(site: Site) -> None:
        task = asyncio.create_task(site.drain_proxy())
        await until(lambda: "proxies/p1" in site.registry.records)
        site.store.down = True  # so its last write is lost too
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        site.store.down = False
        assert site.kept("permit")
        await asyncio.sleep(10)
        await site.store.read()
        assert not site.kept("permit") and "proxies/p1" in site.registry.records

    play(act)


def test_who_is_out_counts_as_out_and_holds_up_nobody() -> None:
    async def act(site: Site) -> None:
        site.fronts({"api/b1": 5})
        task = asyncio.create_task(site.drain_member())
        await until(lambda: ("waits", "10 requests are under way to api/b1") in site.moves)
        assert not site.kept("permit")
        with pytest.raises(Denied, match="too-few-members: 1 of 3"):
            await site.drain_member("b2")
        site.fronts({"api/b1": 0})
        assert (await task).done

    play(act)


class Busy(FakeRegistry):
    """Somebody else's word comes between what is read for the first write and that write."""

    def __init__(self, other: Override) -> None:
        super().__init__()
        self._other = other

    async def write(self, change: Write) -> int:
        if key_of(self._other) not in self.records:
            self.put(self._other)
        return await super().write(change)


def test_whoever_was_overtaken_asks_again() -> None:
    """Of three one may go. The other one's word is not in what the permit was given for."""

    async def act(site: Site) -> None:
        site.registry = Busy(Override("api", "b2", "drain", None, "somebody", "by force", 1.0))
        site.fronts({"api/b1": 0})
        with pytest.raises(Denied, match="too-few-members: 1 of 3"):
            await site.drain_member("b1")
        assert site.state("b1") == ("", None) and not site.kept("permit")

    play(act)


class Mute(FakeRegistry):
    """It does what it is asked for, and its answer is lost."""

    async def write(self, change: Write) -> int:
        await super().write(change)
        raise Unreachable("the answer is lost")


def test_where_nobody_knows_what_was_written_nobody_else_goes_before_the_lease_has_ended() -> None:
    async def act(site: Site) -> None:
        site.registry = Mute()
        with pytest.raises(Unreachable):
            await site.work().take([_request("drain-member", "api/b1")], member("b1").out)
        assert site.kept("permit")
        with pytest.raises(Denied, match="under-way"):
            await site.work().take([_request("drain-member", "api/b2")], member("b2").out)
        await asyncio.sleep(10)
        with pytest.raises(Denied, match="too-few-members: 1 of 3"):
            await site.work().take([_request("drain-member", "api/b2")], member("b2").out)

    play(act)


def test_the_way_back_grows_and_an_interrupted_one_is_told() -> None:
    async def act(site: Site) -> None:
        site.fronts({"api/b1": 0})
        assert (await site.drain_member()).done
        target, weights = member("b1"), []
        for step in range(1, STEPS + 1):
            await write_planned(site.registry, target.ramp(step, 100))
            weights.append(site.state("b1"))
            pool_member = next(each for each in site_members(await site.registry.read()) if each.name == "b1")
            assert is_ramping(pool_member) is (step < STEPS)
        assert weights == [("ready", w) for w in (20, 40, 60, 80, None)]
        with pytest.raises(Denied, match="b1 is not drained"):
            await site.work().undrain(target, "b1")

    play(act)


ANN = Who("ann@hk-router-1", "its disk is dying", 6000.0)
DRAINED = Override("api", "b1", "drain", None, "ann", "a new kernel", 1.0)
WORDS = {
    "a drain": (DRAINED, "ann has said another word of b1 meanwhile (drain: a new kernel)"),
    "a weight": (
        Override("api", "b1", "ready", 7, "ann"),
        "ann has said another word of b1 meanwhile (weight 7)",
    ),
    "ready": (
        Override("api", "b1", "ready", None, "ann"),
        "ann has said another word of b1 meanwhile (ready)",
    ),
    "the same step of another undrain": (
        Override("api", "b1", "ready", 40, WHO.by, "undrain, step 2 of 5", 7.0),
        f"{WHO.by} has said another word of b1 meanwhile (weight 40: undrain, step 2 of 5)",
    ),
    "nothing at all": (None, "what was said of b1 has been taken back meanwhile"),
}


async def grown(site: Site, meanwhile: Override | None, after: int) -> Finished:
    """Brought back, while after so many steps somebody says another word (None: takes what was said away)."""
    told: list[str] = []

    def tell(_: str, why: str) -> None:
        told.append(why)
        if len(told) == after and meanwhile is not None:
            site.registry.put(meanwhile)
        elif len(told) == after:
            del site.registry.records["hand/api/b1"]

    return await grow(site.registry, member("b1"), "api/b1", 100, 10.0, tell)


@pytest.mark.parametrize("after", [2, STEPS - 1])
@pytest.mark.parametrize("word", WORDS)
def test_who_says_another_word_while_a_share_grows_back_has_the_last(word: str, after: int) -> None:
    async def act(site: Site) -> None:
        other, says = WORDS[word]
        site.registry.put(DRAINED)
        found = await grown(site, other, after)
        assert found == Finished(False, f"{says}; nothing more is written")
        override = records(await site.registry.read()).get("hand/api/b1")
        assert override == other

    play(act)


def test_a_share_that_grows_back_is_done_at_its_own_weight() -> None:
    async def act(site: Site) -> None:
        site.registry.put(DRAINED)
        began = now()
        assert await grown(site, None, -1) == Finished(True, "api/b1 takes part again")
        assert site.state("b1") == ("ready", None) and now() - began == pytest.approx(8.0, abs=0.1)

    play(act)


def test_of_two_that_bring_it_back_the_later_one_does() -> None:
    async def act(site: Site) -> None:
        site.registry.put(DRAINED)
        one, other = member("b1"), member("b1", who=ANN)
        for step in (1, 2):
            await write_planned(site.registry, one.ramp(step, 100))
        await write_planned(site.registry, other.ramp(1, 100))
        with pytest.raises(Overruled, match=ANN.by):
            await write_planned(site.registry, one.ramp(3, 100))
        for step in range(2, STEPS + 1):
            await write_planned(site.registry, other.ramp(step, 100))
        assert site.state("b1") == ("ready", None)
        with pytest.raises(Overruled):
            await write_planned(site.registry, one.ramp(1, 100))

    play(act)


@pytest.mark.parametrize("own", [0, 1, 3, 256])
def test_no_step_is_above_its_own_weight(own: int) -> None:
    async def act(site: Site) -> None:
        site.registry.put(DRAINED)
        for step in range(1, STEPS):
            assert await write_planned(site.registry, member("b1").ramp(step, own))
            share = site.state("b1")[1]
            assert share is not None and min(1, own) <= share <= own

    play(act)


@pytest.mark.parametrize("step", range(1, STEPS))
def test_an_interrupted_way_back_leaves_no_weight_of_an_operator(step: int) -> None:
    async def halfway(site: Site) -> None:
        site.fronts({"api/b1": 0})
        site.registry.put(DRAINED)
        for each in range(1, step + 1):
            await write_planned(site.registry, member("b1").ramp(each, 100))

    async def drained_again(site: Site) -> None:
        await halfway(site)
        assert (await site.drain_member()).done and site.state("b1") == ("drain", None)
        assert (await site.work().undrain(member("b1"), "b1")).done and site.state("b1") == ("ready", None)

    async def at_once(site: Site) -> None:
        await halfway(site)
        assert (await site.work().undrain(member("b1"), "b1")).done and site.state("b1") == ("ready", None)
        with pytest.raises(Denied, match="b1 is not drained"):
            await site.work().undrain(member("b1"), "b1")

    play(drained_again)
    play(at_once)


def test_a_weight_of_an_operators_own_is_kept_for_the_way_back() -> None:
    async def act(site: Site) -> None:
        site.fronts({"api/b1": 0})
        site.registry.put(Override("api", "b1", "ready", 70, "ann", "an older machine", 1.0))
        assert (await site.drain_member()).done and site.state("b1") == ("drain", 70)
        assert (await site.work().undrain(member("b1"), "b1")).done and site.state("b1") == ("ready", 70)

    play(act)


def test_one_that_is_out_is_not_taken_out_once_more() -> None:
    async def act(site: Site) -> None:
        site.registry.put(Override("api", "b1", "maint", None, "ann", "no disk", 1.0))
        assert member("b1").out(await site.registry.read()) is None

    play(act)


@pytest.mark.parametrize("other", [{"places": ()}, {"proxies": ()}, {"places": (), "tells": False}])
def test_what_no_proxy_has_a_route_to_is_over_at_once(other: dict[str, Any]) -> None:
    async def act(site: Site) -> None:
        began = now()
        target = replace(member("b1"), **other)
        found = await site.work().drain_unrouted("api/b1", target)
        assert found == Finished(True, "no proxy has a route to api/b1") and now() == began
        assert site.state("b1") == ("drain", None) and not site.store.records
        assert site.moves == [("drain", "api/b1 takes nothing new")]

    play(act)
