"""Whoever runs somewhere, has a clock of his own, and reaches the store or does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.ops.drain.drain_world.logic import TICK_S

if TYPE_CHECKING:
    from tests.ops.drain.drain_world.world import World

EPOCH = 1_800_000_000.0


class Actor:
    """place: what can be cut off from the store: a site, an operator's desk, or a router alone. skew: seconds that its
    clock is ahead of the true time.
    """

    def __init__(self, world: World, name: str, place: str, skew: float) -> None:
        self.world, self.name, self.place, self.skew = world, name, place, skew
        self.alive = True
        self._contact = -1

    def boot(self) -> None:
        """After it was dead, or instead."""
        self.alive = True

    @property
    def connected(self) -> bool:
        cut = self.world.cut
        return self.alive and self.world.store.up and self.place not in cut and self.name not in cut

    def note(self) -> None:
        """Before anything about connections or lives changes: until now it had contact."""
        if self.connected:
            self._contact = self.world.tick

    def contact(self, tick: int) -> int:
        """The last tick at which it reached the store; -1 never."""
        return tick if self.connected else self._contact

    def mono(self) -> float:
        return self.world.tick * TICK_S

    def wall(self) -> float:
        return EPOCH + self.world.tick * TICK_S + self.skew
