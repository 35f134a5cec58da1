"""Every command that answers with --json in these types, and its type; of one that tells as it works, its events'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trimtab.answers.blackhole import BlackHoles
from trimtab.answers.change import Change, Written
from trimtab.answers.drain import Event
from trimtab.answers.freeze import Freeze
from trimtab.answers.glass import Glass
from trimtab.answers.incidents import Incident, Incidents
from trimtab.answers.members import Members
from trimtab.answers.routes import Routes
from trimtab.answers.show import NetworkPlan, Shown
from trimtab.answers.split import Divided, Splits
from trimtab.answers.status import Status
from trimtab.answers.weight import Weighed
from trimtab.answers.why import Why

ANSWERS: Mapping[str, Any] = {
    "drain": Event,
    "undrain": Event,
    "shift": Event,
    "freeze": Freeze,
    "blackhole": BlackHoles,
    "show": Shown | NetworkPlan,
    "status": Status,
    "why": Why,
    "routes": Routes | Glass,
    "incidents": Incidents | Incident,
    "members": Members,
    "weight": Change[Weighed],
    "split": Splits | Change[Divided],
    "register": Change[Written],
    "deregister": Change[Written],
}
# An answer a line, as they come.
STREAMS = frozenset(command for command, kind in ANSWERS.items() if kind is Event)
