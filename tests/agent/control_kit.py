"""Stand-ins that fit on a screen: a registry, a HAProxy, a supervisor, and an event loop whose time does not pass by itself."""

from __future__ import annotations

import asyncio
import io
import json
import selectors
from collections.abc import AsyncIterator, Callable, Container, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.paths import Paths
from trimtab.agent_config import PoolFile, Server
from trimtab.daemons.haproxy.dumps import Info, ServerState
from trimtab.daemons.haproxy.wire import Command, Outcome
from trimtab.drivers.units import UnitState
from trimtab.errors import Conflict, LeaseGone, Unreachable
from trimtab.registry.base import Batch, Snapshot, Write
from trimtab.registry.codec import encode
from trimtab.registry.record import Alive, Claim, Member, Override, key_of

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Waiting is stepping forward; only threads at work are waited for."""

    def __init__(self, loop: FakeTime) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self._loop.threads:
            return super().select(0.05)
        if timeout is None and not (ready := super().select(2.0)):  # a thread may still end
            raise AssertionError("everybody waits, and nothing will ever happen")
        if timeout is None:
            return ready
        self._loop.now += timeout
        return ready


class FakeTime(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.now, self.threads = 1000.0, 0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self.now

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        self.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(lambda _: setattr(self, "threads", self.threads - 1))
        return future


def run(work: Coroutine[Any, Any, T]) -> T:
    """In a loop of its own, at once, however long it sleeps."""
    with asyncio.Runner(loop_factory=FakeTime) as runner:
        return runner.run(work)


async def until(holds: Callable[[], object], limit: float = 60.0, step: float = 0.01) -> None:
    """Raises TimeoutError after `limit` seconds of the loop's time."""
    async with asyncio.timeout(limit):
        while not holds():  # noqa: ASYNC110  anything may be waited for
            await asyncio.sleep(step)


def now() -> float:
    return asyncio.get_running_loop().time()


class FakeRegistry:
    """Everything that `base.Registry` promises, in memory. down: nobody answers."""

    def __init__(self) -> None:
        self.records: dict[str, bytes] = {}
        self.leases: dict[int, float] = {}
        self.bound: dict[str, int] = {}
        self.revision, self.down, self.reads, self.writes = 1, False, 0, 0
        self.history: list[Batch] = []
        self._next, self._news = 7000, asyncio.Event()

    def _there(self) -> None:
        if self.down:
            raise Unreachable("nobody answers")
        self._expire()

    def _expire(self) -> None:
        for lease in [lease for lease, end in self.leases.items() if end <= now()]:
            del self.leases[lease]
            self._commit({key: None for key, owner in self.bound.items() if owner == lease})

    def _commit(self, changes: Mapping[str, bytes | None]) -> None:
        if not changes:
            return
        self.revision += 1
        for key, value in changes.items():
            self.bound.pop(key, None)
            if value is None:
                self.records.pop(key, None)
            else:
                self.records[key] = value
        self.history.append(Batch(self.revision, tuple(changes.items())))
        self.announce()

    def announce(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def put(self, *records: Any) -> None:
        self._commit({key_of(record): encode(record) for record in records})

    def drop(self, *keys: str) -> None:
        self._commit(dict.fromkeys(keys))

    def wipe(self) -> None:
        """Its disk is lost: another registry answers in its place."""
        self.records, self.leases, self.bound, self.history, self.revision = {}, {}, {}, [], 1

    async def read(self) -> Snapshot:
        self._there()
        self.reads += 1
        return Snapshot(self.revision, dict(self.records))

    async def watch(self, after: int) -> AsyncIterator[Batch]:
        while True:
            self._there()
            if self.revision < after:
                raise Unreachable("another registry")
            for batch in [each for each in self.history if each.revision > after]:
                after = batch.revision
                yield batch
            try:
                await asyncio.wait_for(self._news.wait(), 1.0)
            except TimeoutError:
                continue

    async def write(self, change: Write) -> int:
        self._there()
        if any(key in self.records for key in change.absent):
            raise Conflict("absent")
        if any(self.records.get(key) != value for key, value in change.equal.items()):
            raise Conflict("equal")
        if change.leased and change.lease not in self.leases:
            raise LeaseGone("lease")
        changes = {**change.put, **dict.fromkeys(change.delete), **change.leased}
        self.writes += bool(changes)
        self._commit(changes)
        self.bound.update(dict.fromkeys(change.leased, change.lease))
        return self.revision

    async def grant(self, ttl_s: float) -> int:
        self._there()
        self._next += 1
        self.leases[self._next] = now() + ttl_s
        return self._next

    async def keep(self, lease: int) -> float:
        self._there()
        if lease not in self.leases:
            raise LeaseGone("lease")
        self.leases[lease] = now() + 10.0
        return 10.0

    async def close(self) -> None:
        return


def member(name: str, number: int, pool: str = "api", weight: int = 100, port: int = 8080) -> Member:
    return Member(pool, name, f"10.1.0.{number}", port, number, weight)


def registered(*members: Member) -> list[Any]:
    """With claims and health."""
    return [r for m in members for r in (m, Claim(m.pool, m.id, m.name), Alive(m.pool, m.name))]


def override(
    name: str, state: Any = "ready", weight: int | None = None, at: float = 1.0, pool: str = "api"
) -> Override:
    return Override(pool, name, state, weight, "someone", "", at)


def registry_pool(
    name: str = "api", panic: int = 0, slots: int = 20, dynamic: bool = True, **more: Any
) -> PoolFile:
    return PoolFile(name, name, slots, dynamic, "check inter 2s", panic, f"{name}--panic", **more)


def hosts_pool(name: str = "web", count: int = 3, panic: int = 0) -> PoolFile:
    servers = tuple(Server(i, f"host-{i}", f"10.2.0.{i}:80") for i in range(1, count + 1))
    return PoolFile(name, panic=panic, spare=f"{name}--panic", servers=servers)


class FakeHaproxy:
    """Does what it is told by the commands that are used here."""

    def __init__(self, pools: Sequence[PoolFile]) -> None:
        self.rows: dict[tuple[str, str], ServerState] = {}
        self.maps: dict[str, dict[str, str]] = {"/run/haproxy/floor.map": {}}
        self.pid, self.down, self.asked, self.said = 100, False, 0, []
        self.mute = False
        for pool in pools:
            for backend in (pool.name, pool.spare):
                for i in range(1, pool.slots + 1):
                    self.have(backend, i, f"m{i}", "0.0.0.0", 0, False)
                for s in pool.servers:
                    host, _, port = s.address.rpartition(":")
                    self.have(backend, s.id, s.name, host, int(port), True, s.weight)

    def have(
        self, backend: str, number: int, name: str, address: str, port: int, ready: bool, weight: int = 100
    ) -> None:
        self.rows[backend, name] = ServerState(
            backend, number, name, address, port, ready, ready, weight, not ready, False
        )

    def serving(self, backend: str) -> dict[int, tuple[str, int]]:
        rows = [row for (where, _), row in self.rows.items() if where == backend and row.ready and row.weight]
        return {row.id: (f"{row.address}:{row.port}", row.weight) for row in rows}

    def _there(self) -> None:
        if self.down:
            raise Unreachable("no HAProxy")

    async def info(self) -> Info:
        self._there()
        return Info(self.pid, "2.6", 1, False)

    async def servers(self, *pools: str | None) -> list[ServerState]:
        self._there()
        self.asked += 1
        return [row for row in sorted(self.rows.values()) if pools in ((), (None,)) or row.backend in pools]

    async def check_words(self, *servers: tuple[str, int]) -> dict[tuple[str, int], str]:
        self._there()
        if self.mute:
            raise Unreachable("nothing is said of checks")
        return {
            (row.backend, row.id): "L4CON"
            for row in self.rows.values()
            if (row.backend, row.id) in servers and not row.up
        }

    async def usable(self, pools: Container[str]) -> dict[str, int]:
        self._there()
        rows = {(backend, number): row for (backend, number), row in self.rows.items() if backend in pools}
        found = dict.fromkeys({backend for backend, _ in rows}, 0)
        for (backend, _), row in rows.items():
            found[backend] += row.up and row.ready and row.weight > 0
        return found

    async def run(self, commands: Sequence[Command]) -> tuple[Outcome, ...]:
        self._there()
        self.said += [command.line for command in commands]
        return tuple(Outcome(command, self._do(command.line.split())) for command in commands)

    def _do(self, words: list[str]) -> Any:
        if words[:2] == ["set", "map"]:
            self.maps[words[2]][words[3]] = words[4]
            return "done"
        if words[:2] == ["enable", "health"]:
            return "done"
        backend, name = words[2].split("/")
        if words[0] == "add":
            host, _, port = words[3].rpartition(":")
            self.have(backend, int(words[5]), name, host, int(port), False, int(words[7]))
        elif words[0] == "del":
            del self.rows[backend, name]
        else:
            row = self.rows[backend, name]
            match words[3:]:
                case ["weight", weight]:
                    row = row._replace(weight=int(weight))
                case ["addr", address, "port", port]:
                    row = row._replace(address=address, port=int(port))
                case ["state", state]:
                    row = row._replace(
                        ready=state == "ready",
                        maint=state == "maint",
                        up=row.up or (row.maint and state == "ready"),
                    )
            self.rows[backend, name] = row
        return "done"

    async def map(self, path: str) -> dict[str, str]:
        self._there()
        return dict(self.maps.setdefault(path, {}))

    async def replace_map(self, path: str, entries: Mapping[str, str]) -> bool:
        changed = await self.map(path) != dict(entries)
        self.maps[path] = dict(entries)
        return changed


class FakeUnits:
    def __init__(self, *names: str) -> None:
        self.states = {name: UnitState(name, "active") for name in names}
        self.down, self.restarted, self.reloaded = False, [], []

    def _there(self) -> None:
        if self.down:
            raise Unreachable("no supervisor")

    async def state(self, names: Sequence[str]) -> dict[str, UnitState]:
        self._there()
        return {name: self.states.get(name, UnitState(name, "missing")) for name in names}

    async def restart(self, name: str) -> None:
        self._there()
        self.restarted.append((name, now()))

    async def reload(self, name: str) -> None:
        self._there()
        self.reloaded.append((name, now()))


def paths(root: Path) -> Paths:
    return Paths().under(root)


def silent() -> tuple[Log, io.StringIO]:
    stream = io.StringIO()
    return Log(stream, lambda: 1.7e9), stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def events(stream: io.StringIO) -> list[str]:
    return [line["event"] for line in lines(stream)]
