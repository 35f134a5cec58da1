"""Following a registry that comes, goes, compacts and answers nonsense."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from tests.agent.control_kit import FakeRegistry, events, member, now, registered, run, silent, until

from trimtab.agent.membership.state import Changed
from trimtab.agent.membership.store import Store
from trimtab.agent.runtime.informer import MOST_S, Follow
from trimtab.agent.runtime.metrics import Metrics
from trimtab.errors import Compacted, InvalidResponse
from trimtab.registry.base import Batch, Snapshot


class Following:
    def __init__(self, registry: Any) -> None:
        self.store, self.told = Store(), []  # type: ignore[var-annotated]
        log, self.stream = silent()
        self.follow = Follow(registry, self.store, self._changed, log, Metrics(), lambda: 0.5)
        self.task = asyncio.create_task(self.follow.run())

    def _changed(self, changed: Changed, whole: bool) -> None:
        self.told.append((whole, sorted(changed.pools)))

    def names(self) -> set[str]:
        return set(self.store.pool("api").members)

    async def end(self) -> None:
        self.follow.stop()
        await self.task


def test_read_then_watch() -> None:
    async def work() -> None:
        registry = FakeRegistry()
        registry.put(*registered(member("a", 1)))
        following = Following(registry)
        await until(lambda: following.names() == {"a"})
        registry.put(*registered(member("b", 2)))
        await until(lambda: following.names() == {"a", "b"})
        assert following.told == [(True, ["api"]), (False, ["api"])]
        assert registry.reads == 1
        await following.end()

    run(work())


def test_an_outage_keeps_the_state_and_ends_within_the_longest_pause() -> None:
    async def work() -> None:
        registry = FakeRegistry()
        registry.put(*registered(member("a", 1)))
        following = Following(registry)
        await until(lambda: following.names())
        registry.down = True
        await until(lambda: following.follow.state == "away")
        await asyncio.sleep(120)
        assert following.names() == {"a"}
        registry.down = False
        began = now()
        registry.put(*registered(member("b", 2)))
        await until(lambda: following.names() == {"a", "b"})
        assert now() - began <= MOST_S + 0.1
        assert events(following.stream).count("registry unreachable, serving the cached state") == 1
        await following.end()

    run(work())


class Script(FakeRegistry):
    """Answers with what stands in `replies`, then as ever."""

    def __init__(self, *replies: Exception) -> None:
        super().__init__()
        self.replies, self.asked = list(replies), []  # type: ignore[var-annotated]

    async def read(self) -> Snapshot:
        self.asked.append(("read", now()))
        return await super().read()

    async def watch(self, after: int) -> AsyncIterator[Batch]:
        self.asked.append(("watch", now()))
        if self.replies:
            raise self.replies.pop(0)
        async for batch in super().watch(after):
            yield batch


def test_compaction_reads_again_at_once_but_not_for_ever() -> None:
    async def work() -> None:
        registry = Script(*(Compacted("gone") for _ in range(4)))
        following = Following(registry)
        await until(lambda: not registry.replies and len(registry.asked) == 10)
        reads = [round(at - 1000, 3) for what, at in registry.asked if what == "read"]
        assert reads[1] == 0.0
        assert reads[2] > 0.1
        assert reads == sorted(reads)
        await following.end()

    run(work())


def test_nonsense_and_defects_end_nothing() -> None:
    async def work() -> None:
        registry = Script(InvalidResponse("what?"), ZeroDivisionError("a defect"))
        registry.put(*registered(member("a", 1)))
        following = Following(registry)
        await until(lambda: not registry.replies and following.follow.state == "following")
        assert following.names() == {"a"}
        assert "follow crashed" in events(following.stream)
        await following.end()

    run(work())


def test_everything_is_read_again_now_and_then() -> None:
    async def work() -> None:
        registry = FakeRegistry()
        following = Following(registry)
        await asyncio.sleep(1000)
        assert 3 <= registry.reads <= 5
        await following.end()

    run(work())


def missed(registry: FakeRegistry, *keys: str) -> None:
    """Removed without a watch that tells."""
    for key in keys:
        del registry.records[key]
    registry.revision += 1
    registry.history = []


def test_the_held_are_let_go_in_time_but_only_while_the_registry_is_followed() -> None:
    async def work() -> None:
        registry = FakeRegistry()
        registry.put(*registered(member("a", 1), member("b", 2)))
        following = Following(registry)
        await until(lambda: len(following.names()) == 2)
        registry.down = True
        await until(lambda: following.follow.state == "away")
        missed(registry, "members/api/b", "ids/api/2", "alive/api/b")
        registry.down = False
        await until(lambda: following.follow.state == "following")
        await asyncio.sleep(20)
        registry.down = True
        await asyncio.sleep(60)
        assert following.names() == {"a", "b"}, "it could not have come back"
        registry.down = False
        await until(lambda: following.follow.state == "following")
        await asyncio.sleep(25)
        assert following.names() == {"a", "b"}
        await asyncio.sleep(7)
        assert following.names() == {"a"}
        assert following.told[-1] == (False, ["api"])
        await following.end()

    run(work())


def test_a_wiped_registry_lets_nobody_go_however_long_it_is_followed() -> None:
    async def work() -> None:
        registry = FakeRegistry()
        registry.revision = 100
        registry.put(*registered(member("a", 1), member("b", 2)))
        following = Following(registry)
        await until(lambda: len(following.names()) == 2)
        registry.down = True
        await until(lambda: following.follow.state == "away")
        registry.wipe()
        registry.put(*registered(member("a", 1)))
        registry.down = False
        await until(lambda: following.follow.state == "following")
        await asyncio.sleep(1000)
        assert following.names() == {"a", "b"}
        await following.end()

    run(work())
