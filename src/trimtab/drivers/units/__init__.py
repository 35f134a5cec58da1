"""A host's supervisor: `connect` gives what speaks with systemd, or with the twin's stand-in for it."""

from __future__ import annotations

from trimtab.drivers.units.base import Active, Manager, Units, UnitState
from trimtab.drivers.units.socket import UnitSocket
from trimtab.drivers.units.systemd import Systemd
from trimtab.errors import BadInput

__all__ = ["Active", "Manager", "UnitState", "Units", "connect"]


def connect(supervisor: str) -> Manager:
    """supervisor: `systemd`, or `unix:PATH`. Connects to nothing yet. Raises BadInput."""
    if supervisor == "systemd":
        return Systemd()
    kind, _, path = supervisor.partition(":")
    if kind == "unix" and path.startswith("/"):
        return UnitSocket(path)
    raise BadInput(f"supervisor {ascii(supervisor)[:100]}", "`systemd` or `unix:/PATH`")
