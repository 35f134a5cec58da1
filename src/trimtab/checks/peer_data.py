"""Files beside the estate that say something of peers, and how old they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trimtab.estate.fault import Loc
from trimtab.estate.inventory import Inventory

OLDEST_S = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class PeerData:
    """name: as the estate has it.  loc: where.  age_s: seconds since it was made."""

    name: str
    loc: Loc
    age_s: float


PeerReader = Callable[[Inventory], tuple[PeerData, ...]]


def no_peer_data(_: Inventory) -> tuple[PeerData, ...]:
    """Looks at none: how old they are is unknown."""
    return ()
