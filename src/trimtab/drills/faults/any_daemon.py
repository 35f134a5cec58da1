"""Any daemon of the table, on the first host of a site that runs it: killed, or hanging with its sockets open.

A daemon that another package brings can be drilled so, without a line of its own here.
"""

from __future__ import annotations

from contextlib import suppress

from trimtab.daemons.table import table
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import BadInput, TwinFailed


class _OfAnyDaemon:
    """of: the daemon's name."""

    says: str

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(name for name, daemon in table().daemons.items() if daemon.units)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place, daemon = scene.site(arguments["site"]), table().daemons[of]
        found = sorted((unit, hosts) for unit, hosts in place.units.items() if daemon.has(unit))
        if not found:
            raise BadInput(f"no host of {place.name} runs {of}", "name another site with --site")
        unit, hosts = found[0]
        return Aim(place.name, hosts[:1], unit, f"{unit} on {hosts[0]} {self.says}")


class DaemonKill(_OfAnyDaemon):
    kind, says = "daemon-kill", "is killed"

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        return Struck(lab.kill(aim.nodes[0], aim.unit, "KILL"))

    def restore(self, lab: LabLike, aim: Aim) -> None:
        """Its supervisor starts it again."""


class DaemonHang(_OfAnyDaemon):
    kind, says = "daemon-hang", "hangs (SIGSTOP)"

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        return Struck(lab.kill(aim.nodes[0], aim.unit, "STOP"))

    def restore(self, lab: LabLike, aim: Aim) -> None:
        with suppress(TwinFailed):  # it has ended meanwhile, and its successor is not stopped
            lab.kill(aim.nodes[0], aim.unit, "CONT")
