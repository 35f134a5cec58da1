"""What a fault's model is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trimtab.estate.inventory import Inventory
from trimtab.timing.layout import World
from trimtab.timing.parts import Part

Figures = Mapping[str, Part]
READS, WRITES = "outage_s", "write_outage_s"


@dataclass(frozen=True, slots=True)
class Model:
    """A fault by the name of its drill.

    shows: what breaks.  applies: whether it can happen to an estate.  figures: the parts of `outage_s` and
    `write_outage_s`, and of any further figure, in one world.  faults: how many happen at once; objectives are for one.
    """

    name: str
    shows: str
    applies: Callable[[Inventory], bool]
    figures: Callable[[Inventory, World], Figures]
    faults: int = 1


def both(reads: Part, writes: Part) -> Figures:
    return {READS: reads, WRITES: writes}
