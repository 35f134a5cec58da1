"""What one vantage point says of each site, after the hysteresis of each of its probes.

The strongest probe that is asked tells whether a site serves; the weaker ones only tell, of one that does not, whether
its hosts live.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from trimtab.daemons.front.judge import PROBES, Probe
from trimtab.ops.health.stream import Damping, Stream

State = Literal["serving", "unhealthy", "unreachable", "unknown"]

FRESH_S = 10.0  # five probes of the usual interval
MAX_WHY = 200  # characters


@dataclass(frozen=True, slots=True)
class Reading:
    """https, tcp, icmp: None where it was not asked, or nobody knows.  since: when it came to its word, seconds since 1970.
    why: in words, "" where it serves.  asked: the probes that are asked at all; () takes those that have a value.
    """

    site: str
    https: bool | None
    tcp: bool | None
    icmp: bool | None
    since: float
    why: str
    asked: tuple[Probe, ...] = ()


def state_of(reading: Reading) -> State:
    """serving; unhealthy: it does not serve, and its hosts live; unreachable: nothing answers; unknown.

    The strongest probe that is asked has to know: otherwise a site whose front fails would be serving for as long as
    connections are taken and requests cannot be asked. A weaker one that does not know counts as one that is not asked:
    hosts without the right to send ICMP would otherwise never call a site unreachable.
    """
    values = {"https": reading.https, "tcp": reading.tcp, "icmp": reading.icmp}
    asked = [
        probe for probe in PROBES if (probe in reading.asked if reading.asked else _knows(values[probe]))
    ]
    best, *others = [values[probe] for probe in asked] or [None]
    if not _knows(best):
        return "unknown"
    if best:
        return "serving"
    return "unhealthy" if any(other is True for other in others) else "unreachable"


def _knows(value: bool | None) -> bool:
    """Of a reading that another host wrote, anything may be said."""
    return value is True or value is False


@dataclass(frozen=True, slots=True)
class Watched:
    """One site. begun: whether it was looked at."""

    streams: Mapping[Probe, Stream]
    reading: Reading
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Vantage:
    """One observer's state over all sites.  asked: its probes, the strongest first.  fresh_s: see `of`."""

    asked: tuple[Probe, ...]
    fresh_s: float
    sites: Mapping[str, Watched]

    @staticmethod
    def of(
        sites: Iterable[str], probes: Iterable[Probe], damping: Damping, fresh_s: float = FRESH_S
    ) -> Vantage:
        """fresh_s: a probe that could not be asked for longer than this many seconds, several intervals, knows nothing any
        more. Raises ValueError for no probe, or one that there is not.
        """
        wanted = frozenset(probes)
        if not wanted or not wanted <= set(PROBES):
            raise ValueError(
                f"probes are some of {', '.join(PROBES)}, got {', '.join(sorted(wanted)) or 'none'}"
            )
        asked = tuple(probe for probe in PROBES if probe in wanted)
        streams = {probe: Stream(damping) for probe in asked}
        first = {site: Watched(streams, _reading(site, streams, 0.0, "not asked yet")) for site in sites}
        return Vantage(asked, fresh_s, first)

    def step(self, site: str, seen: Mapping[Probe, bool | None], why: str, now: float) -> Vantage:
        """One look at one site. seen: by probe; one that is missing could not be asked.  why: of what does not work.
        now: seconds since 1970, since the time of a reading is read elsewhere. A site that is not watched is ignored.
        """
        old = self.sites.get(site)
        if old is None:
            return self
        streams = {
            probe: old.streams[probe].step(seen.get(probe), now).aged(now, self.fresh_s)
            for probe in self.asked
        }
        reading = _next(old, _reading(site, streams, now, why), seen.get(self.asked[0]) is False)
        watched = Watched(streams, reading, begun=True)
        return Vantage(self.asked, self.fresh_s, {**self.sites, site: watched})

    def readings(self) -> dict[str, Reading]:
        """By site, every one that is watched."""
        return {site: watched.reading for site, watched in self.sites.items()}

    @property
    def doubts(self) -> frozenset[str]:
        """Sites whose strongest probe has failed, not yet often enough."""
        best = self.asked[0]
        return frozenset(
            site
            for site, watched in self.sites.items()
            if watched.streams[best].last is False and watched.streams[best].state is not False
        )

    @property
    def last_s(self) -> dict[str, float]:
        """By site, when any of its probes last knew, in seconds: a reading is fresh from then for `fresh_s`. Sites of which
        nothing was known, or not for so long, are missing.
        """
        heard = {
            site: [stream.heard for stream in watched.streams.values() if stream.heard is not None]
            for site, watched in self.sites.items()
        }
        return {site: max(times) for site, times in heard.items() if times}


def _reading(site: str, streams: Mapping[Probe, Stream], since: float, why: str) -> Reading:
    https, tcp, icmp = (streams[probe].state if probe in streams else None for probe in PROBES)
    return Reading(site, https, tcp, icmp, since, why[:MAX_WHY], tuple(streams))


def _next(old: Watched, found: Reading, failed: bool) -> Reading:
    """With its since and its why. failed: whether the strongest probe found something wrong; otherwise the last look says
    nothing about why it did before.
    """
    before, now = state_of(old.reading), state_of(found)
    since = min(old.reading.since, found.since) if old.begun and before == now else found.since
    why = found.why if failed or now == "unknown" else old.reading.why
    return replace(found, since=since, why="" if now == "serving" else why)
