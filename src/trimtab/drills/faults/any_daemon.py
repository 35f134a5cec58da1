"""Any daemon of the table, on the first host of a site that runs it: killed, or hanging with its sockets open.

A daemon that another package brings can be drilled so, without a line of its own here.
"""

from __future__ import annotations

from dataclasses import dataclass

from trimtab.daemons.table import table
from trimtab.drills.faults.base import Aim, Arguments, FaultKind, Struck
from trimtab.drills.faults.hang import Hang
from trimtab.drills.faults.process_kill import ProcessKill
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import BadInput


@dataclass(frozen=True, slots=True)
class AnyDaemon:
    """of: the daemon's name.  like: what is done to it, and undone."""

    kind: str
    says: str
    like: FaultKind

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(name for name, daemon in table().daemons.items() if daemon.units)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place, daemon = scene.site(arguments["site"]), table().daemons[of]
        found = sorted((unit, hosts) for unit, hosts in place.units.items() if daemon.has(unit))
        if not found:
            raise BadInput(f"no host of {place.name} runs {of}", "name another site with --site")
        unit, hosts = found[0]
        return Aim(place.name, hosts[:1], unit, f"{unit} on {hosts[0]} {self.says}")

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        return self.like.strike(lab, aim)

    def restore(self, lab: LabLike, aim: Aim) -> None:
        self.like.restore(lab, aim)


DAEMON_KILL = AnyDaemon("daemon-kill", "is killed", ProcessKill())
DAEMON_HANG = AnyDaemon("daemon-hang", "hangs (SIGSTOP)", Hang())
