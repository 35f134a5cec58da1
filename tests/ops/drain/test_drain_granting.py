"""The one way to a permit: who is first, who is refused, what is written, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import pytest
from tests.agent.control_kit import FakeRegistry, now, run

from trimtab.errors import Conflict, Denied
from trimtab.ops.arbiter.world import Limits, PoolState, Request, SiteState
from trimtab.ops.drain.granting import ATTEMPTS, Granting, Watching
from trimtab.ops.drain.judged import Facts
from trimtab.registry.base import Snapshot, Write

SITES = tuple(f"s{n}" for n in range(ATTEMPTS + 2))
POOLS = tuple(PoolState(site, "api", {"b1": True, "b2": True}) for site in SITES)
FACTS = Facts({site: SiteState(site) for site in SITES}, {}, Limits(), POOLS)


class Store(FakeRegistry):
    """Each answer takes a moment. first: how many writes somebody else is faster than."""

    def __init__(self, first: int = 0) -> None:
        super().__init__()
        self.first, self.guarded = first, False
        self.asked: list[bool] = []  # whether each question was under a guard

    async def read(self) -> Snapshot:
        self.asked.append(self.guarded)
        await asyncio.sleep(0.01)
        return await super().read()

    async def write(self, change: Write) -> int:
        self.asked.append(self.guarded)
        await asyncio.sleep(0.01)
        if self.first:
            self.first -= 1
            raise Conflict("somebody else wrote")
        return await super().write(change)

    def kept(self, kind: str) -> list[str]:
        return [key for key in self.records if key.startswith(f"{kind}/")]


async def facts() -> Facts:
    return FACTS


def granting(store: Store, **more: Callable[[], AbstractAsyncContextManager[None]]) -> Granting:
    return Granting(store, facts, Watching(()), now=now, **more)


def member(site: str, name: str = "b1") -> Request:
    return Request("drain-member", site, f"api/{name}", "bob")


def play(act: Callable[[Store, int], Awaitable[None]], first: int = 0) -> None:
    async def whole() -> None:
        store = Store(first)
        await act(store, await store.grant(10.0))

    run(whole())


def test_all_who_ask_at_the_same_moment_get_theirs() -> None:
    """In step with each other one of them would be first in each round, and whoever is left after the last gets nothing."""

    async def act(store: Store, lease: int) -> None:
        assert len(SITES) > ATTEMPTS
        await asyncio.gather(*(granting(store).ask([member(site)], lease) for site in SITES))
        assert len(store.kept("permit")) == len(store.kept("decision")) == len(SITES)

    play(act)


@pytest.mark.parametrize(("first", "permits"), [(0, 1), (1, 1), (ATTEMPTS - 1, 1), (ATTEMPTS, 0)])
def test_where_others_are_first_it_is_judged_anew_so_often(first: int, permits: int) -> None:
    async def act(store: Store, lease: int) -> None:
        try:
            await granting(store).ask([member("s0")], lease)
        except Conflict as error:
            assert error.message == "somebody else was first, again and again"
        assert len(store.kept("permit")) == len(store.kept("decision")) == permits

    play(act, first)


def test_several_are_granted_together_or_not_at_all() -> None:
    async def act(store: Store, lease: int) -> None:
        with pytest.raises(Denied, match="api/b2 is not drained: nothing was begun"):
            await granting(store).ask([member("s0"), member("s0", "b2")], lease)
        assert not store.kept("permit") and len(store.kept("decision")) == 1, "only the refusal is kept"

    play(act)


def test_what_is_written_instead_needs_no_permit_and_is_tried_as_often() -> None:
    async def act(store: Store, lease: int) -> None:
        word = Write(put={"steer/s0": b"mine"})
        granted = await granting(store).ask([member("s0")], lease, lambda found, asked: word)
        assert granted.permits == () and list(store.records) == ["steer/s0"]

    play(act, first=3)


@pytest.mark.parametrize("names", [("b1",), ("b1", "b2")], ids=["granted", "refused"])
def test_whatever_the_store_is_asked_is_asked_under_the_callers_guard(names: tuple[str, ...]) -> None:
    async def act(store: Store, lease: int) -> None:
        @asynccontextmanager
        async def guard() -> AsyncIterator[None]:
            store.guarded = True
            yield
            store.guarded = False

        with suppress(Denied):
            await granting(store, of_store=guard).ask([member("s0", name) for name in names], lease)
        assert store.asked == [True, True], "one reading, one writing"

    play(act)
