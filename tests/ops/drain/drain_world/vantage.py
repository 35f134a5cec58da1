"""A vantage point: the real streams over what can truly be seen from there, published to the store while it is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.ops.drain.drain_world.actor import EPOCH, Actor
from tests.ops.drain.drain_world.logic import DAMPING, FRESH_S, INTERVAL, TICK_S

from trimtab.daemons.front.judge import Probe
from trimtab.ops.health.reading import Reading

if TYPE_CHECKING:
    from tests.ops.drain.drain_world.world import World

Look = tuple[bool | None, bool | None]  # https, icmp
PROBES: tuple[Probe, ...] = ("https", "icmp")


class Observer(Actor):
    """phase: at which ticks it looks. A look that finds what a settled stream says already changes nothing but when it was
    last heard, so it is left out and caught up with before the first look that differs.
    """

    def __init__(self, world: World, site: str, phase: int, skew: float) -> None:
        super().__init__(world, f"v-{site}", site, skew)
        self.site, self.phase = site, phase
        self.blind = False
        self.published: dict[str, Reading] = {}
        self._at, self._flows = -1, False
        self._last: dict[str, Look] = {}
        self._quiet: set[str] = set()
        self.boot()

    def boot(self) -> None:
        super().boot()
        self._vantage = self.world.logic.vantage.of(self.world.names, PROBES, DAMPING, FRESH_S)
        self._last, self._quiet = {}, set()

    def latest(self, tick: int) -> int:
        return tick - (tick - self.phase) % INTERVAL

    def at(self, tick: int) -> int:
        """When its last view was published, in ticks; -1 never. As long as it flows, that is at every look."""
        return max(self._at, self.latest(tick)) if self._flows else self._at

    def note(self) -> None:
        self._at = self.at(self.world.tick)
        super().note()

    def changed(self) -> None:
        """After connections or lives have changed."""
        self._flows = self._flows and self.connected

    def look(self, tick: int) -> bool:
        """Whether there is anything to look at again before something changes."""
        if not self.alive:
            return False
        if (tick - self.phase) % INTERVAL:
            return len(self._quiet) < len(self.world.names) or self._differs()
        for site in self.world.names:
            self._step(site, self._see(site), tick)
        if self.connected:
            self._publish(tick)
        return len(self._quiet) < len(self.world.names)

    def _differs(self) -> bool:
        return any(self._see(site) != self._last.get(site) for site in self.world.names)

    def _see(self, site: str) -> Look:
        return (None, None) if self.blind else self.world.seen(self.site, site)

    def _step(self, site: str, look: Look, tick: int) -> None:
        if site in self._quiet:
            if look == self._last[site]:
                return
            self._one(site, self._last[site], tick - INTERVAL)
        self._one(site, look, tick)
        self._last[site] = look
        words = tuple(stream.state for stream in self._vantage.sites[site].streams.values())
        (self._quiet.add if words == look else self._quiet.discard)(site)

    def _one(self, site: str, look: Look, tick: int) -> None:
        now = EPOCH + tick * TICK_S + self.skew
        self._vantage = self._vantage.step(site, {"https": look[0], "icmp": look[1]}, "no answer", now)

    def _publish(self, tick: int) -> None:
        self._at, self._flows = tick, True
        readings = self._vantage.readings()
        if readings != self.published:
            self.published = readings
            self.world.news += 1
