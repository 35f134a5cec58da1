"""The running twin: its machines, their units and the fabric, and everything that can be done to them."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trimtab.daemons.probe import UNIT, ReadyCheck
from trimtab.daemons.table import table
from trimtab.errors import BadInput, TwinFailed
from trimtab.lab import system
from trimtab.lab.fabric import Fabric, client_neighbours
from trimtab.lab.lower import lowers
from trimtab.lab.node import OVERLAYS, Machine
from trimtab.lab.priority import Ask
from trimtab.lab.ready import Readiness
from trimtab.lab.supervisor import Supervisor
from trimtab.lab.topology import Node, Topology
from trimtab.lab.unit import Unit
from trimtab.lab.unit_socket import UnitSocket

SETTLE_S = 1.5
BOOTING_AT_ONCE = 8  # more only make each other wait on two cores


def check(topology: Topology) -> None:
    """Raises BadInput if this topology cannot be made real; starts nothing."""
    for asked in topology.checks:
        known = {UNIT, *table().probes}
        if asked.kind not in known:
            raise BadInput(
                f"no probe of kind {asked.kind} for {asked.what}", f"known are {', '.join(sorted(known))}"
            )
    Fabric(topology.segments, topology.nodes)
    for node in topology.nodes:
        Machine(node, Path(), Path()).check()


class Twin:
    """One topology made real. `began`: time.monotonic() at which its start was asked for."""

    def __init__(self, topology: Topology, path: Path, pid: int, began: float, priority: Ask) -> None:
        self.topology, self.path, self.owner, self.began = topology, path, pid, began
        self._priority = priority
        known = client_neighbours(topology.nodes)
        under = lowers(path / "disks" / ".lower", OVERLAYS.values())
        self.machines = {
            node.name: Machine(node, path / "disks", path / "out", known.get(node.name, ()), under)
            for node in topology.nodes
        }
        self.units = {name: self._supervisors(machine) for name, machine in self.machines.items()}
        self._sockets = {node.name: self._socket(node.name) for node in topology.nodes if node.kind == "host"}
        self.fabric = Fabric(topology.segments, topology.nodes, priority)
        self.ready = False
        self.ready_s: float | None = None
        self.waiting: list[str] = ["the machines to boot"]
        self._power = asyncio.Lock()  # a switch is thrown once the one before has done its work
        self._starting: dict[str, asyncio.Task[None]] = {}
        self._held: dict[str, int] = {}  # release → descriptor, for as long as the owner lives

    async def start(self) -> None:
        """Build everything and start the units; readiness is waited for apart."""
        for machine in self.machines.values():
            machine.install()
        self.fabric.lay()
        await self._boot(list(self.machines))

    async def wait_ready(self, limit: float, report: Callable[[list[str]], None]) -> None:
        """Raises TwinFailed. Asks every check anew."""

        def heard(waiting: list[str]) -> None:
            self.waiting = waiting
            report(waiting)

        checks = [
            ReadyCheck(UNIT, f"the units of {name}", (name,)) for name, units in self.units.items() if units
        ]
        await Readiness(self.machines, self.units).wait([*checks, *self.topology.checks], limit, heard)
        self.ready, self.waiting = True, []
        if self.ready_s is None:
            self.ready_s = time.monotonic() - self.began

    async def power_cut(self, names: Sequence[str]) -> float:
        """Ports down first, so that nobody hears the dying say goodbye; then everything is killed."""
        machines = [self._machine(name) for name in dict.fromkeys(names)]
        machines.sort(key=lambda machine: not machine.node.gateway)
        self.ready = False
        async with self._power:
            at = time.monotonic()
            self.fabric.disconnect(machine.node.name for machine in machines)
            self._tell_later(self.fabric.telling(machine.node.name for machine in machines))
            for machine in machines:
                if task := self._starting.pop(machine.node.name, None):
                    task.cancel()
                if opened := self._sockets.get(machine.node.name):
                    opened.close()
            units = [unit for machine in machines for unit in self.units[machine.node.name]]
            await asyncio.gather(*(unit.cut() for unit in units))
            await asyncio.gather(*(machine.cut() for machine in machines))
        return at

    async def power_on(self, names: Sequence[str], release: str | None = None) -> None:
        """Boot those that are off, one after the other: real machines bring their own processors, and all at once
        they would take ours from the load that is being measured. release: of the system that they boot from now on, "" the
        machine's own, None the one they had.
        """
        self.ready = False
        async with self._power:
            for name in dict.fromkeys(names):
                if (machine := self._machine(name)).pid is None:
                    if release is not None:
                        machine.system = self._usable(release)
                    await self._boot([name])
                    await self._settle(name)

    async def programs(self, name: str, release: str) -> None:
        """Put another release's programs under a host that runs; "": its own again. Its daemons go on with what they have
        opened until they are started or reloaded. Raises BadInput for a host that was booted from another system.
        """
        machine = self._machine(name)
        if machine.system:
            raise BadInput(
                f"{name} was booted from the system {machine.system}",
                "programs are replaced in place on hosts of the machine's own system",
            )
        await machine.replace_programs(self._usable(release))

    def _usable(self, release: str) -> str:
        """The release, held so that nobody replaces its system meanwhile. Raises BadInput, EnvironmentUnable."""
        if release and release not in self._held:
            self._held[release] = system.hold(system.require(release, ()))
        return release

    async def cables(self, segments: Sequence[str], *, passes: bool) -> float:
        """Cut or mend segments; both ends keep their carrier. Returns time.monotonic() just before."""
        self.ready = self.ready and passes
        at = time.monotonic()
        (self.fabric.mend if passes else self.fabric.cut)(segments)
        told = self.fabric.telling(segments=segments)
        if passes:
            self.fabric.show_carriers(told)
        else:
            self._tell_later(told)
        return at

    def _tell_later(self, told: Mapping[str, float]) -> None:
        """Each end of what is dark by then loses its carrier; what has been mended meanwhile has lost nothing."""
        loop = asyncio.get_running_loop()
        for segment, seconds in told.items():
            loop.call_later(seconds, self.fabric.show_carriers, (segment,))

    def kill(self, node: str, unit: str, name: str) -> float:
        """Signal (`KILL`, `SIGTERM`) every process of a unit."""
        try:
            number = signal.Signals[name if name.startswith("SIG") else f"SIG{name}"]
        except KeyError as error:
            raise BadInput(f"there is no signal {name}") from error
        return self._unit(node, unit).kill(number)

    async def unit(self, node: str, unit: str, verb: str) -> None:
        """start, stop, restart or reload one unit, as systemctl would; returns when that is done."""
        found = self._unit(node, unit)
        if verb == "reload":
            await found.reload()
        if verb in ("stop", "restart"):
            with contextlib.suppress(TwinFailed):  # it has no process
                found.kill(
                    signal.SIGCONT
                )  # as systemd does: one that is stopped would not notice that it has to end
            await found.stop()
        if verb in ("start", "restart"):
            found.start()
            await found.settled.wait()

    def reread(self, node: str) -> None:
        """Read the files of a node's units anew, as systemd's daemon-reload: who runs goes on as it was, a new unit waits for
        its start, one whose file is gone stays until it has been stopped. Raises BadInput for a file that cannot be understood.
        """
        machine, known = self._machine(node), {unit.unit.name: unit for unit in self.units[node]}
        found = {unit.name: unit for unit in machine.read_units(known)}
        for name, unit in found.items():
            if name in known:
                known[name].become(unit)
        kept = [
            unit for name, unit in known.items() if name in found or unit.state not in ("inactive", "failed")
        ]
        fresh = [unit for name, unit in found.items() if name not in known]
        self.units[node] = [*kept, *self._supervised(machine, fresh)]

    def node_pid(self, name: str) -> int:
        """PID 1 of a node in the owner's numbers. Raises TwinFailed without power."""
        pid = self._machine(name).pid
        if pid is None:
            raise TwinFailed(f"{name} has no power")
        return pid

    def status(self) -> dict[str, Any]:
        """{"name", "pid", "ready", "ready_s", "waiting": [str], "hosts": [...], "facts"}."""
        return {
            "name": self.topology.name, "pid": self.owner, "ready": self.ready, "ready_s": self.ready_s,
            "waiting": self.waiting, "hosts": [self._host(node) for node in self.topology.nodes],
            "facts": self.topology.facts,
        }  # fmt: skip

    def _host(self, node: Node) -> dict[str, Any]:
        addresses = [address.partition("/")[0] for leg in node.legs for address in leg.addresses]
        return {
            "name": node.name, "site": node.site, "roles": list(node.roles), "kind": node.kind,
            "addresses": addresses, "powered": self.machines[node.name].pid is not None,
            "units": self._show(node.name), "system": self.machines[node.name].system,
            "programs": self.machines[node.name].programs,
        }  # fmt: skip

    def _show(self, name: str) -> list[dict[str, Any]]:
        return [
            {"unit": unit.unit.name, "state": unit.state, "pid": unit.pid, "restarts": unit.restarts}
            for unit in self.units[name]
        ]

    def _socket(self, name: str) -> UnitSocket:
        """By which what runs in the node reaches its own units, and no others."""

        async def act(unit: str, verb: str) -> str:
            if verb == "reread":
                self.reread(name)
                return ""
            await asyncio.shield(self.unit(name, unit, verb))
            found = self._unit(name, unit)
            lost = verb in ("start", "restart") and found.state in ("failed", "auto-restart")
            return f"{unit} is {found.state}: {found.last_words()}" if lost else ""

        return UnitSocket(self.machines[name], lambda: self._show(name), act)

    async def _boot(self, names: Sequence[str]) -> None:
        turn = asyncio.Semaphore(BOOTING_AT_ONCE)

        async def one(machine: Machine) -> None:
            async with turn:
                await machine.boot()
                if opened := self._sockets.get(machine.node.name):
                    await opened.open()

        async def wire(machine: Machine) -> None:
            async with turn:
                await machine.configure_network()

        machines = [self.machines[name] for name in names]
        await asyncio.gather(*(one(machine) for machine in machines))
        self.fabric.connect((machine.node, machine.pid) for machine in machines if machine.pid)
        self.fabric.show_carriers(self.fabric.telling(names))
        await asyncio.gather(*(wire(machine) for machine in machines))
        for name in names:
            self._starting[name] = asyncio.create_task(self._start_units(name))

    async def _settle(self, name: str) -> None:
        """Until every unit of the node has started or failed; some wait for other nodes, so not for long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await asyncio.gather(*(unit.settled.wait() for unit in self.units[name]))

    async def _start_units(self, name: str) -> None:
        """All at once but for After= and Before=, which wait until the other has started, well or not."""
        units = self.units[name]
        for unit in units:
            unit.settled.clear()

        async def one(unit: Supervisor) -> None:
            for other in units:
                if unit.unit.starts_after(other.unit):
                    await other.settled.wait()
            unit.start()

        await asyncio.gather(*(one(unit) for unit in units))

    def _supervisors(self, machine: Machine) -> list[Supervisor]:
        (self.path / "logs" / machine.node.name).mkdir(parents=True, exist_ok=True)
        return self._supervised(machine, machine.units)

    def _supervised(self, machine: Machine, units: Sequence[Unit]) -> list[Supervisor]:
        folder = self.path / "logs" / machine.node.name
        return [Supervisor(machine, unit, folder / f"{unit.name}.log", self._priority) for unit in units]

    def _machine(self, name: str) -> Machine:
        if name not in self.machines:
            raise BadInput(f"{self.topology.name} has no node {name}", f"it has {', '.join(self.machines)}")
        return self.machines[name]

    def _unit(self, node: str, name: str) -> Supervisor:
        self._machine(node)
        for unit in self.units[node]:
            if unit.unit.name == name:
                return unit
        raise BadInput(
            f"{node} has no unit {name}", f"it has {', '.join(unit.unit.name for unit in self.units[node])}"
        )
