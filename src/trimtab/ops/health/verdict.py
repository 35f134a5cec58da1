"""Whether a site serves, as its vantage points agree: no single one takes a site down, and none keeps it up.

Views come from other hosts. What is stale, double, of a site that nobody expects, or no view at all counts as not there;
nothing in one raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trimtab.ops.health.reading import MAX_WHY, Reading, State, state_of


@dataclass(frozen=True, slots=True)
class View:
    """What one observer says of all sites, by name.  at: when, seconds since 1970."""

    vantage_site: str
    host: str
    readings: Mapping[str, Reading]
    at: float


@dataclass(frozen=True, slots=True)
class SiteVerdict:
    """of: how many vantage points are expected.  agree: how many of them say so, `unhealthy` and `unreachable` together; of `unknown`,
    how many cannot tell.  since: when the quorum had come together, seconds since 1970; of `unknown`, the last that
    changed, 0 if nobody says anything.  reasons: whoever does not say that it serves, and why.
    """

    site: str
    state: State
    of: int
    agree: int
    since: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Said:
    """The word of one host, or of one vantage point."""

    who: str
    state: State
    since: float
    why: str


def judge(
    site: str,
    views: Iterable[View],
    vantage_sites: Sequence[str],
    quorum: int | None = None,
    *,
    now: float,
    fresh_s: float,
) -> SiteVerdict:
    """vantage_sites: those that have observers, whether they report or not.  quorum: how many have to agree; None is more
    than half of the expected.  now: seconds since 1970.  fresh_s: how old, or how far ahead, a view may be.
    """
    return judge_all((site,), views, vantage_sites, quorum, now=now, fresh_s=fresh_s)[site]


def judge_all(
    sites: Iterable[str],
    views: Iterable[View],
    vantage_sites: Sequence[str],
    quorum: int | None = None,
    *,
    now: float,
    fresh_s: float,
) -> dict[str, SiteVerdict]:
    """By site. The views are sorted once, however many sites there are."""
    fresh = _fresh(views, vantage_sites, now, fresh_s)
    need = len(fresh) // 2 + 1 if quorum is None else max(1, quorum)
    return {
        site: _join(site, [_point(who, site, hosts, now) for who, hosts in fresh.items()], need)
        for site in sites
    }


def _fresh(
    views: Iterable[View], vantage_sites: Sequence[str], now: float, fresh_s: float
) -> dict[str, list[View]]:
    """By vantage site, in the order expected: the newest fresh view of each of its hosts."""
    newest: dict[str, dict[str, View]] = {name: {} for name in vantage_sites}
    for view in views:
        if not _is_view(view) or view.vantage_site not in newest or not abs(now - view.at) <= fresh_s:
            continue
        hosts = newest[view.vantage_site]
        if view.host not in hosts or view.at > hosts[view.host].at:
            hosts[view.host] = view
    return {name: [hosts[host] for host in sorted(hosts)] for name, hosts in newest.items()}


def _is_view(view: Any) -> bool:
    return (
        isinstance(view, View)
        and isinstance(view.vantage_site, str)
        and isinstance(view.host, str)
        and isinstance(view.readings, Mapping)
        and _is_time(view.at)
    )


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e11  # NaN is not


def _point(who: str, site: str, views: Iterable[View], now: float) -> _Said:
    """The hosts of one site are one vantage point: they share its way out. One that cannot tell is as good as absent."""
    said = [_of_host(view, site, now) for view in views]
    told = [each for each in said if each.state != "unknown"]
    if not said:
        return _Said(who, "unknown", 0.0, "no fresh view")
    if not told:
        why = next((each.why for each in said if each.why), "")
        return _Said(
            who, "unknown", max(each.since for each in said), f"cannot tell: {why}" if why else "cannot tell"
        )
    side = _larger(told)
    if not side:
        half = len(told) // 2
        return _Said(
            who, "unknown", max(each.since for each in told), f"its hosts disagree, {half} to {half}"
        )
    common = _common(side)
    why = next((each.why for each in side if each.state == common and each.why), "")
    return _Said(who, common, _when(side, len(told) // 2 + 1), why)


def _of_host(view: View, site: str, now: float) -> _Said:
    found: Any = view.readings.get(site)
    if not isinstance(found, Reading) or found.site != site or not isinstance(found.asked, tuple):
        return _Said(view.host, "unknown", 0.0, "")
    since = min(max(0.0, float(found.since)), now) if _is_time(found.since) else now
    return _Said(view.host, state_of(found), since, _plain(found.why))


def _plain(text: Any) -> str:
    """Somebody else's words, for a terminal."""
    found = text[:MAX_WHY] if isinstance(text, str) else ""
    return "".join(each if each.isprintable() else "?" for each in found)


def _join(site: str, points: Sequence[_Said], need: int) -> SiteVerdict:
    side = _larger([point for point in points if point.state != "unknown"])
    reasons = tuple(_reason(point) for point in points if point.state != "serving")
    if len(side) >= need:
        return SiteVerdict(site, _common(side), len(points), len(side), _when(side, need), reasons)
    lost = sum(point.state == "unknown" for point in points)
    since = max((point.since for point in points), default=0.0)
    return SiteVerdict(site, "unknown", len(points), lost, since, (_split(points, need), *reasons))


def _split(points: Sequence[_Said], need: int) -> str:
    if not points:
        return "no site has observers"
    words = [point.state for point in points]
    up, lost = words.count("serving"), words.count("unknown")
    return f"of {len(words)}, {up} say that it serves, {len(words) - up - lost} that it does not: it takes {need}"


def _reason(point: _Said) -> str:
    what = point.why or point.state
    return f"{point.who}: {what} since {_clock(point.since)}" if point.since else f"{point.who}: {what}"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(int(at), UTC).isoformat().replace("+00:00", "Z")


def _larger(told: Sequence[_Said]) -> list[_Said]:
    """Those who say that it serves, or those who say that it does not; of as many, nobody."""
    up = [each for each in told if each.state == "serving"]
    down = [each for each in told if each.state != "serving"]
    return [] if len(up) == len(down) else max(up, down, key=len)


def _common(side: Sequence[_Said]) -> State:
    """Of several that say no, whoever hears a host is right about it."""
    words = {each.state for each in side}
    return "serving" if "serving" in words else "unhealthy" if "unhealthy" in words else "unreachable"


def _when(side: Sequence[_Said], count: int) -> float:
    """When so many of them had come to their word."""
    return sorted(each.since for each in side)[count - 1]
