"""Daemons that other packages bring: each an entry point of the group `trimtab.daemons`, whose value is a package made as
our own rooms are, with `daemon.DAEMON` and `rendered.RENDERED`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Protocol, TypeVar

from trimtab.errors import BadInput

GROUP = "trimtab.daemons"


class Named(Protocol):
    @property
    def name(self) -> str: ...


Half = TypeVar("Half", bound=Named)


@dataclass(frozen=True, slots=True)
class Room:
    """name: the entry point's.  package: its value."""

    name: str
    package: str

    def half(self, which: str, kind: type[Half]) -> Half:
        """which: `daemon` or `rendered`, read now and not before: an agent wants the first alone. Raises BadInput."""
        try:
            found = getattr(import_module(f"{self.package}.{which}"), which.upper())
        except Exception as error:  # somebody else's code: whatever it raises
            raise BadInput(
                f"the daemon {self.name} of {self.package} cannot be read: {type(error).__name__}: {error}",
                f"its package has `{which}.py` with {which.upper()}; or remove the package",
            ) from error
        if not isinstance(found, kind) or found.name != self.name:
            raise BadInput(
                f"{self.package}.{which}.{which.upper()} is not the daemon {self.name}",
                "its entry point has the name that it says of itself",
            )
        return found


@cache
def rooms() -> tuple[Room, ...]:
    """By name."""
    found = (Room(each.name, each.value) for each in entry_points(group=GROUP))
    return tuple(sorted(found, key=lambda room: room.name))
