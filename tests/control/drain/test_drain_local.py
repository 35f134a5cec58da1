"""A proxy or a member is taken out inside a site: who is asked, what is written, what is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from control_kit import FakeRegistry, now, run, until

from trimtab.control.arbiter.world import Limits, PoolState, Request, SiteState
from trimtab.control.drain.coordinator import Watching
from trimtab.control.drain.judged import Facts
from trimtab.control.drain.local import LocalDrain
from trimtab.control.drain.plan import Finished
from trimtab.control.drain.targets import STEPS, MemberTarget, ProxyTarget, is_ramping
from trimtab.control.hand import Seat, Who, records, seats, write_planned
from trimtab.drivers.registry.base import Snapshot
from trimtab.drivers.registry.record import FrontState, Hand, ProxyHand
from trimtab.errors import AnswerIsNo

WHO = Who("ann@hk-router-1", "a new kernel", 5000.0)
MEMBERS = ("b1", "b2", "b3")
PROXIES = ("p1", "p2")


def facts(snapshot: Snapshot) -> Facts:
    """As `of_site` makes them, without an estate."""
    read = records(snapshot)
    hands = {p: read.get(f"proxies/{p}") for p in PROXIES}
    out = frozenset(p for p, hand in hands.items() if isinstance(hand, ProxyHand) and hand.state == "drain")
    members = {each.name: each.weight > 0 for each in seated(snapshot)}
    gone = frozenset(each.name for each in seated(snapshot) if each.hand and each.hand.state != "ready")
    site = SiteState("hk", proxies={p: p not in out for p in PROXIES}, drained=out)
    return Facts({"hk": site}, {"hk": ("r1",)}, Limits(), (PoolState("hk", "api", members, gone),))


def seated(snapshot: Snapshot) -> tuple[Seat, ...]:
    return seats(snapshot, "api", MEMBERS, registers=False)


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
        hand = records(Snapshot(1, dict(self.registry.records))).get(f"hand/api/{name}")
        return (hand.state, hand.weight) if isinstance(hand, Hand) else ("", None)


def _request(kind: Any, target: str) -> Request:
    return Request(kind, "hk", target, WHO.by, WHO.reason)


def member(name: str, **other: Any) -> MemberTarget:
    return MemberTarget("api", name, seated, PROXIES, WHO, **other)


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
        await until(lambda: ("waits", "nobody is known to hold the addresses") in site.moves)
        site.fronts({}, holder="p2", drained="p1")
        found = await task
        assert found.done and found.why == "p2 holds the addresses; p1 may be stopped"
        assert not site.kept("permit") and len(site.kept("decision")) == 1
        with pytest.raises(AnswerIsNo, match="is-so-already"):
            await site.drain_proxy()
        with pytest.raises(AnswerIsNo, match="last-proxy: no other of the 2 proxies"):
            await site.drain_proxy("p2")

    play(act)


def test_a_proxy_whose_addresses_nobody_takes_takes_part_again() -> None:
    async def act(site: Site) -> None:
        found = await site.drain_proxy()
        assert not found.done and found.why == "p1 has not given its addresses away; it takes part again"
        word = records(await site.registry.read())["proxies/p1"]
        assert isinstance(word, ProxyHand) and word.state == "ready" and not site.kept("permit")

    play(act)


def test_a_member_is_drained_when_nothing_is_under_way_to_it() -> None:
    async def act(site: Site) -> None:
        task = asyncio.create_task(site.drain_member())
        await until(lambda: site.state("b1") == ("drain", None))
        await until(lambda: ("waits", "not every proxy has taken note") in site.moves)
        site.fronts({"api/b1": 2})
        await until(lambda: ("waits", "4 requests are under way to b1") in site.moves)
        site.fronts({"api/b1": 0})
        found = await task
        assert found.done and found.why == "nothing is under way to b1; it may be stopped"
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
        with pytest.raises(AnswerIsNo, match=r"too-few-members: 1 of 3 members would be well \(33 %\)"):
            await site.drain_member("b2")
        assert site.state("b2") == ("", None) and len(site.kept("decision")) == 2

    play(act)


def test_two_at_once_are_one_after_the_other() -> None:
    async def act(site: Site) -> None:
        found = await asyncio.gather(site.drain_proxy("p1"), site.drain_proxy("p2"), return_exceptions=True)
        refused = [each for each in found if isinstance(each, AnswerIsNo)]
        assert len(refused) == 1, found
        assert len([key for key in site.registry.records if key.startswith("proxies/")]) == 1

    play(act)


def test_a_command_that_is_killed_leaves_its_permit_to_its_lease() -> None:
    async def act(site: Site) -> None:
        task = asyncio.create_task(site.drain_member())
        await until(lambda: site.state("b1") == ("drain", None))
        site.store.down = True  # so its last write is lost too
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        site.store.down = False
        assert site.kept("permit")
        await asyncio.sleep(10)
        await site.store.read()
        assert not site.kept("permit") and site.state("b1") == ("drain", None)

    play(act)


def test_the_way_back_grows_and_an_interrupted_one_is_told() -> None:
    async def act(site: Site) -> None:
        site.fronts({"api/b1": 0})
        assert (await site.drain_member()).done
        target, weights = member("b1"), []
        for step in range(1, STEPS + 1):
            await write_planned(site.registry, target.ramp(step, 100))
            weights.append(site.state("b1"))
            seat = next(each for each in seated(await site.registry.read()) if each.name == "b1")
            assert is_ramping(seat) is (step < STEPS)
        assert weights == [("ready", w) for w in (20, 40, 60, 80, None)]
        with pytest.raises(AnswerIsNo, match="b1 is not drained"):
            await site.work().undrain(target, "b1")

    play(act)
