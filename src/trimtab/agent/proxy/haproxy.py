"""Brings a running HAProxy to what is desired, over its Runtime API, and notices when another process answers there.

Keys are pools, and one for each kind of map. A reconcile reads what HAProxy has, computes the difference and sends it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from trimtab.agent.membership.desired import Desired
from trimtab.agent.membership.pools import PoolDecision
from trimtab.agent.membership.splits import by_map, split_map
from trimtab.agent.proxy.checks import Checks, again
from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.agent_config import BY_MAP, FLOOR_MAP, SPLIT_MAP, PoolFile
from trimtab.daemons.haproxy import wire
from trimtab.daemons.haproxy.dumps import Info, ServerState
from trimtab.daemons.haproxy.members import Have, backends, difference, seen
from trimtab.daemons.haproxy.wire import Command, Outcome
from trimtab.errors import BadInput, Refused, Terminal, TrimtabError, Unreachable
from trimtab.registry.record import MAX_TURNS

# Who has restarted is noticed within a second, see HaproxyWatch: this is for what nobody would notice.
PACE = Pace(window=0.0, resync=15.0)
WATCH_PACE = Pace(window=0.0, resync=1.0, most=1.0)
MANY = 20  # pools: beyond, one question for all servers is less than one a pool
FEW = 20  # entries of a map: up to so many are set one by one
FLOORS, SPLITS = "~floors", "~splits"


class RuntimeApi(Protocol):
    """What is used of `daemons.haproxy.client.Runtime`."""

    async def info(self) -> Info: ...
    async def servers(self, *pools: str | None) -> list[ServerState]: ...
    async def check_words(self, *servers: tuple[str, int]) -> dict[tuple[str, int], str]: ...
    async def run(self, commands: Sequence[Command]) -> tuple[Outcome, ...]: ...
    async def map(self, path: str) -> dict[str, str]: ...
    async def replace_map(self, path: str, entries: Mapping[str, str]) -> bool: ...


class HaproxyController:
    """Pools and maps. done: told when HAProxy was told something of its members."""

    name = "haproxy"

    def __init__(
        self,
        desired: Desired,
        runtime: RuntimeApi,
        metrics: Metrics,
        checks: Checks | None = None,
        done: Callable[[], None] = lambda: None,
    ) -> None:
        self._desired, self._runtime, self._metrics, self._checks = desired, runtime, metrics, checks
        self._done = done

    def keys(self) -> Collection[str]:
        return [*self._desired.pools, *self.keys_of(self._desired.files), FLOORS]

    def keys_of(self, changed: Iterable[str]) -> set[str]:
        """What to mark when these pools and splits are another than before."""
        pools = {key for key in changed if key in self._desired.pools}
        splits = {SPLITS} if any(key in self._desired.files for key in changed) else set()
        return pools | splits | ({FLOORS} if pools else set())

    async def reconcile(self, keys: frozenset[str]) -> Result:
        pools = await self._pools([key for key in sorted(keys) if key in self._desired.served])
        failures = dict(pools.failed)
        for key, bring in ((FLOORS, self._floors), (SPLITS, self._splits)):
            if key in keys:
                try:
                    await bring()
                except TrimtabError as error:
                    failures[key] = error
        return replace(pools, failed=failures)

    async def _pools(self, names: list[str]) -> Result:
        if not names:
            return DONE
        files = [self._desired.pools[name] for name in names]
        have, soon = await self._read(files)
        failures: dict[str, Exception] = {}
        commands: list[Command] = []
        for file in files:
            try:
                expect(file, have)
                commands += commands_of(file, self._desired.served[file.name], have)
            except BadInput as error:  # a value that HAProxy may not be given: this pool's fault alone
                failures[file.name] = Terminal(error.message, error.hint)
            except TrimtabError as error:
                failures[file.name] = error
        failures |= await self._run(commands, files)
        return Result(failures, {name: seconds for name, seconds in soon.items() if name not in failures})

    async def _read(self, files: list[PoolFile]) -> tuple[Have, Mapping[str, float]]:
        """And which pools are to be read again, in so many seconds."""
        try:
            have = await self._have(files)
        except TrimtabError:
            if self._checks is not None:
                self._checks.forget(files)
            raise
        if self._checks is None:
            return have, {}
        looks = self._checks.look(files, have)
        self._checks.note(looks, await self._words(self._checks.fallen(looks)))
        return have, again(looks)

    async def _words(self, fallen: list[tuple[str, int]]) -> Mapping[tuple[str, int], str]:
        """What their checks said last, of as many as are kept; nothing where HAProxy does not say it: that somebody is down
        counts without it.
        """
        try:
            return await self._runtime.check_words(*fallen[-MAX_TURNS:]) if fallen else {}
        except TrimtabError:
            return {}

    async def _have(self, files: list[PoolFile]) -> Have:
        """Where one of few is not there, all are asked for: the others shall not suffer."""
        asked = [backend for file in files for backend in backends(file)]
        try:
            return seen(await self._runtime.servers(*(asked if len(files) <= MANY else [None])))
        except Refused:
            return seen(await self._runtime.servers(None))

    async def _run(self, commands: list[Command], files: list[PoolFile]) -> dict[str, Exception]:
        if not commands:
            return {}
        outcomes = await self._runtime.run(commands)
        self._metrics.commands.inc(len(commands))
        self._done()
        pool_of = {backend: file.name for file in files for backend in backends(file)}
        return {
            pool_of[each.command.backend]: Refused(f"{each.command.line}: {each.reason}", "see its log")
            for each in outcomes
            if each.verdict == "refused"
        }

    async def _floors(self) -> None:
        """Each entry alone is right, so few are set one by one."""
        if self._desired.served.keys() != self._desired.pools.keys():
            return  # just started: not everything is decided yet
        path = f"{self._desired.proxy.maps}/{FLOOR_MAP}"
        want = {name: str(decision.floor) for name, decision in self._desired.served.items()}
        have = await self._runtime.map(path)
        other = [name for name, floor in want.items() if have.get(name) != floor]
        if have.keys() != want.keys() or len(other) > FEW:
            await self._runtime.replace_map(path, want)
        elif other:
            await self._runtime.run([wire.set_map(path, name, want[name]) for name in other])

    async def _splits(self) -> None:
        """All bounds of a split at once: with the old of one pool and the new of another its shares would be wrong."""
        if self._desired.served_splits.keys() != self._desired.files.keys():
            return
        maps = self._desired.proxy.maps
        await self._runtime.replace_map(f"{maps}/{BY_MAP}", by_map(self._desired.served_splits))
        await self._runtime.replace_map(f"{maps}/{SPLIT_MAP}", split_map(self._desired.served_splits))


def expect(file: PoolFile, have: Have) -> None:
    """Raises Refused for a pool that HAProxy's configuration does not have (yet, or any more)."""
    if (file.slots or file.servers) and (lost := [each for each in backends(file) if each not in have]):
        raise Refused(
            f"HAProxy has no backend {' and '.join(lost)}", "its configuration is another one: reload it"
        )


def commands_of(file: PoolFile, decision: PoolDecision, have: Have) -> tuple[Command, ...]:
    """The commands for one pool. Of a registered pool the file may have servers too (backups): only weight and state of
    these are ours, so they are compared as those of a pool that is all in the file. Where nobody is known, nothing is
    done: to know nobody is not to know that there is nobody. Raises BadInput.
    """
    if file.registry and all(each.filed for each in decision.known):
        return ()
    if not file.registry or not file.servers:
        return difference(decision.wants, have, file)
    filed = {each.id for each in decision.known if each.filed}
    others = {
        backend: {number: row for number, row in have.get(backend, {}).items() if number not in filed}
        for backend in backends(file)
    }
    registered = [want for want in decision.wants if want.id not in filed]
    of_file = [want for want in decision.wants if want.id in filed]
    return (*difference(registered, others, file), *difference(of_file, have, replace(file, registry="")))


class HaproxyWatch:
    """Which process listens? A new one has the membership of its start, so it is compared at once; and so is one that did
    not answer for a while. An old one that only ends its connections is none.
    """

    name = "haproxy-watch"

    def __init__(self, runtime: RuntimeApi, metrics: Metrics, changed: Callable[[], None]) -> None:
        self._runtime, self._metrics, self._changed = runtime, metrics, changed
        self.pid: int | None = None
        self._away = False

    def keys(self) -> Collection[str]:
        return ("process",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        away, self._away = self._away, True  # until it has answered
        self._metrics.connections.set(-1)
        found = await self._runtime.info()
        if found.stopping:
            raise Unreachable(
                f"the HAProxy that answers ({found.pid}) is stopping", "its successor is waited for"
            )
        self._away, before, self.pid = False, self.pid, found.pid
        self._metrics.connections.set(found.connections)
        if found.pid != before:
            self._metrics.proxy_starts.inc()
        if found.pid != before or away:
            self._changed()
        return DONE
