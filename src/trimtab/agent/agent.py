"""The agent of a host, put together from its file: who marks whom, what begins and what ends.

registry ─ Follow ─ Store ─┬─ MembersFile ─┬─ HaproxyController
                           │               └─ NginxController
                           ├─ Saver, Restore
register.d ─ Register ─────┤
daemons ─ Healer ─ Publish ┴─ Status, Metrics
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trimtab.agent.part import Part
from trimtab.agent.registration.bootstrap import Bootstrap
from trimtab.agent.registration.folder import Defaults, Folder
from trimtab.agent.registration.name_ownership import REASON as NAME_TAKEN
from trimtab.agent.registration.publish import PACE as PUBLISH_PACE
from trimtab.agent.registration.publish import Publish
from trimtab.agent.registration.register import FOLDER_PACE, FolderWatch, Register
from trimtab.agent.registration.register import PACE as REGISTER_PACE
from trimtab.agent.runtime.access import Access
from trimtab.agent.runtime.lease import PACE as LEASE_PACE
from trimtab.agent.runtime.lease import Lease
from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.loop import Controller, Loop
from trimtab.agent.runtime.metrics import Metrics, version
from trimtab.agent.runtime.metrics_server import MetricsServer
from trimtab.agent.runtime.paths import Paths
from trimtab.agent.runtime.queue import ONCE_PACE, Pace
from trimtab.agent.site.sessions import PACE as SESSIONS_PACE
from trimtab.agent.site.sessions import Sessions
from trimtab.agent.status import PACE as STATUS_PACE
from trimtab.agent.status import Status, refusals
from trimtab.agent.supervision.healer import PACE as HEAL_PACE
from trimtab.agent.supervision.healer import Healer
from trimtab.agent_config import AgentFile, RegistryAccess
from trimtab.drivers.units import Units
from trimtab.registry.base import Registry
from trimtab.registry.engines import SETUPS

if TYPE_CHECKING:
    from trimtab.agent.proxy.part import ProxyPart
    from trimtab.agent.site.part import EstatePart

END_S = 6.0  # for the reconciles under way; the unit's own limit is 10 s


def _proxy_part(agent: Agent, runtime: Callable[[str], Any]) -> ProxyPart:
    """Read where it is needed: a third of what an agent reads at its start is of parts that its host may not have."""
    from trimtab.agent.proxy.part import ProxyPart

    return ProxyPart(agent, runtime)


def _estate_part(agent: Agent, drivers: Drivers) -> EstatePart:
    from trimtab.agent.site.part import EstatePart

    return EstatePart(agent, agent.file, drivers.registry, drivers.bird)


def _registry(access: RegistryAccess) -> Registry:
    from trimtab.registry.engines import connect

    return connect(access)


def _runtime(socket: str) -> Any:
    from trimtab.daemons.haproxy.client import Runtime

    return Runtime(socket)


def _units(supervisor: str) -> Units:
    from trimtab.drivers.units import connect

    return connect(supervisor)


def _bird(socket: str) -> Any:
    if socket.endswith(".json"):
        from trimtab.daemons.exabgp.client import Announcer

        return Announcer(socket)
    from trimtab.daemons.bird.client import Bird

    return Bird(socket)


@dataclass(frozen=True, slots=True)
class Drivers:
    """How the outside is reached."""

    registry: Callable[[RegistryAccess], Registry] = _registry
    runtime: Callable[[str], Any] = _runtime
    units: Callable[[str], Units] = _units
    bird: Callable[[str], Any] = _bird


class Agent:
    """Made without touching anything; `begin` takes up the last state and starts, `end` finishes what is under way.

    Raises BadInput for a file that names what there is not.
    """

    def __init__(self, file: AgentFile, paths: Paths, log: Log, drivers: Drivers = Drivers()) -> None:
        self.file, self.paths, self.log = file, paths, log
        self.metrics = Metrics()
        self.since = round(time.time(), 3)
        self._loops: list[Loop] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._units = drivers.units(file.supervisor)
        self._folder = Folder(
            paths.register, Defaults(file.host, file.address, file.discovers), self._refuse_file
        )
        access = file.registry
        self._access = Access(lambda: drivers.registry(access), self.metrics) if access else None
        self._healer = Healer(file.units, self._units, log, self.metrics, self._units_changed)
        self._register: Register | None = None
        self.proxy = _proxy_part(self, drivers.runtime) if file.proxy else None
        desired = self.proxy.desired if self.proxy else None
        self.status = Status(paths.status, self._parts, desired)
        self._server = MetricsServer(self.metrics, file.address, file.metrics_port)
        self._compose()
        if file.steer:
            self.loop(Sessions(drivers.bird(file.steer.socket), log, self.metrics), SESSIONS_PACE)
        self.estate = _estate_part(self, drivers) if file.estate_store else None
        self._plugged: list[Part] = [part for part in (self.proxy, self.estate) if part is not None]

    @property
    def access(self) -> Access | None:
        return self._access

    @property
    def units(self) -> Units:
        return self._units

    @staticmethod
    def now() -> float:
        return asyncio.get_running_loop().time()

    def loop(self, controller: Controller, pace: Pace) -> Loop:
        """One more controller of this agent."""
        found = Loop(controller, pace, self.log, self.metrics)
        self._loops.append(found)
        return found

    def _compose(self) -> None:
        self._status_loop = self.loop(self.status, STATUS_PACE)
        self.loop(self._healer, HEAL_PACE)
        self.loop(self._server, ONCE_PACE)
        if self._access is None:
            return
        self._access.turned = self.changed
        self.metrics.heard_at(lambda: self._access.heard if self._access else 0.0)
        lease = Lease(self._access, self._leased_anew)
        self._register = Register(
            self._access, self._folder, lease, self.paths.registered, self.log, self._refuse_name
        )
        publish = Publish(
            self._access,
            lease,
            self.file.host,
            self._healer.states,
            lambda: self._healer.restarts,
            since=self.since,
        )
        register, gauge = self._register, self.metrics.registrations
        gauge.labels("wanted").set_function(lambda: len(self._folder.wanted))
        gauge.labels("registered").set_function(lambda: len(register.working()))
        gauge.labels("refused").set_function(lambda: len(self._folder.refused()))
        self.loop(lease, LEASE_PACE)
        self._register_loop = self.loop(self._register, REGISTER_PACE)
        self._publish_loop = self.loop(publish, PUBLISH_PACE)
        if self.proxy:
            self.proxy.compose_front(lease)
        self._folder_loop = self.loop(FolderWatch(self._folder, self._folder_changed), FOLDER_PACE)
        access, units = self.file.registry, {unit.name for unit in self.file.units}
        if access is not None and access.engine in SETUPS and f"{access.engine}-registry.service" in units:
            self.loop(Bootstrap(access, self.paths.root_password, self.log), ONCE_PACE)

    # ---- its life

    def begin(self) -> None:
        """The last good state holds when this returns; the rest goes on in tasks."""
        for part in self._plugged:
            part.load()
        runs = [loop.run for loop in self._loops] + [run for part in self._plugged for run in part.tasks()]
        self._tasks = [asyncio.create_task(self._guarded(run)) for run in runs]

    async def _guarded(self, run: Callable[[], Any]) -> None:
        """A defect in one of them stops none of the others, nor itself for long."""
        while True:
            try:
                await run()
                return
            except Exception as error:
                self.log.crash("crashed, begun anew", error)
                self.metrics.errors.labels("agent", "crash").inc()
                await asyncio.sleep(1.0)

    def look_again(self) -> None:
        """Everything at once: the folder too."""
        for loop in self._loops:
            loop.urge()

    async def end(self) -> None:
        """Finish the reconciles under way, write the files, close. Nothing is deregistered: the lease ends by itself."""
        for loop in self._loops:
            loop.stop()
        for part in self._plugged:
            part.stop()
        _, late = await asyncio.wait(self._tasks, timeout=END_S) if self._tasks else (set(), set())
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        words = [word for part in self._plugged for word in part.last_words()]
        for write in [*words, self.status.reconcile(frozenset())]:
            with suppress(OSError):
                await write
        await self._server.end()
        if self._access:
            await self._access.close()
        for part in self._plugged:
            await part.close()

    # ---- who marks whom

    def changed(self) -> None:
        """Something that the status tells."""
        self._status_loop.mark(("status",))

    def _units_changed(self) -> None:
        self.changed()
        if self._access is not None:
            self._publish_loop.mark(("host",))

    def _folder_changed(self) -> None:
        if self._register is not None:
            self._register_loop.urge(self._register.keys())
        self.changed()

    def _leased_anew(self) -> None:
        self.log.warning("lease lost, everything is written again")
        if self._register is not None:
            self._register_loop.urge()
        self._publish_loop.urge()
        if self.proxy:
            self.proxy.urge_front()

    def _refuse_file(self, file: str, why: str) -> None:
        self.log.warning("registration refused", file=file, why=why)
        self.metrics.records_refused.labels("registration").inc()
        self.changed()

    def _refuse_name(self, key: str, reason: str, why: str) -> None:
        self.log.warning("registration refused", file=self._place(key), reason=reason, why=why)
        self.metrics.records_refused.labels(reason).inc()
        self.changed()

    def _place(self, key: str) -> str:
        """Where somebody wrote it: the file, or else the record."""
        return self._folder.file_of(key) or f"members/{key}"

    # ---- what it tells

    def _parts(self) -> dict[str, Any]:
        refused = self.proxy.store.refused() if self.proxy else {}
        files = {f"register.d/{file}": ("registration", why) for file, why in self._folder.refused().items()}
        taken = self._register.taken() if self._register else {}
        names = {self._place(key): (NAME_TAKEN, why) for key, why in taken.items()}
        return {
            "version": version(),
            "host": self.file.host,
            "since": self.since,
            "registry": self._registry_part(),
            "estate": self.estate.part() if self.estate else {},
            "splits": self.proxy.splits_part() if self.proxy else {},
            "front": self.proxy.front_part() if self.proxy else {},
            "units": dict(self._healer.words),
            "registrations": self._registrations_part(),
            "refused": refusals({**refused, **names, **files}),
            "failing": {
                loop.name: dict(list(loop.failing().items())[:20]) for loop in self._loops if loop.failing()
            },
        }

    def _registry_part(self) -> dict[str, Any]:
        if self._access is None:
            return {"state": "none", "revision": 0, "heard": 0.0}
        known = {None: "starting", True: "reachable", False: "away"}[self._access.up]
        state = self.proxy.state if self.proxy and self._access.up is not False else known
        revision = self.proxy.store.revision if self.proxy else 0
        return {"state": state, "revision": revision, "heard": round(self._access.heard, 3)}

    def _registrations_part(self) -> list[dict[str, Any]]:
        if self._register is None:
            return []
        found, working, held = self._register.registered, self._register.working(), self._register.held()
        parts = []
        for key in sorted({*self._folder.wanted, *found}):
            member = found.get(key) or self._folder.wanted[key]
            state = "registered" if key in working else "wanted" if key in self._folder.wanted else "leaving"
            place = {"pool": member.pool, "name": member.name, "address": member.address, "port": member.port}
            each = {**place, "id": member.id if key in found else 0, "state": state}
            parts.append(each | ({"state": "held", "held_by": held[key]} if key in held else {}))
        return parts
