"""Whether the black holes of a site are as they should be in a router: what it drops, and what its upstreams were told. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from trimtab.daemons.bird.wire import Adverts, Community, Prefix
from trimtab.ops.blackhole.hole import Hole

BLACKHOLE: Community = (65535, 666)  # RFC 7999


@dataclass(frozen=True, slots=True)
class ToldOfHosts:
    """What the peer of a session that is up was told of single hosts. upstream: whose it is, "" for one that accepts none."""

    session: str
    upstream: str
    family: int
    told: Adverts


@dataclass(frozen=True, slots=True)
class Dropping:
    """why: what is not as wished.  late: sessions that were not told, or were not told that it is over."""

    why: tuple[str, ...] = ()
    late: tuple[str, ...] = ()


def is_for(hole: Hole, upstream: str) -> bool:
    """Is it told to this upstream, if that accepts it?"""
    return not hole.upstreams or upstream in hole.upstreams


def judge(
    holes: Sequence[Hole],
    known: Iterable[Prefix],
    dropped: Collection[Prefix],
    accepting: Mapping[str, str],
    heard: Sequence[ToldOfHosts],
) -> Dropping:
    """known: every host that was ever black-holed here.  dropped: what BIRD has as a route to nowhere.  accepting: this router's
    sessions whose upstreams accept black holes.
    """
    why = [f"{each.prefix} is not dropped" for each in holes if each.prefix not in dropped]
    wanted = {each.prefix for each in holes}
    why += [f"{prefix} is dropped" for prefix in sorted(set(dropped) - wanted, key=str)]
    late = []
    for each in heard:
        should = _wanted(holes, each)
        own = sorted({p for p in {*known, *wanted} if p.version == each.family}, key=str)
        wrong = [words for prefix in own if (words := _wrong(prefix, should, each.told))]
        why += [f"{each.session}: {words}" for words in wrong]
        late += [each.session] if wrong else []
    why += _mute(holes, accepting, heard)
    return Dropping(tuple(why), tuple(dict.fromkeys(late)))


def _wanted(holes: Sequence[Hole], heard: ToldOfHosts) -> set[Prefix]:
    return {
        e.prefix
        for e in holes
        if heard.upstream and is_for(e, heard.upstream) and e.prefix.version == heard.family
    }


def _wrong(prefix: Prefix, should: set[Prefix], told: Adverts) -> str:
    if prefix not in should:
        return f"{prefix} is told" if prefix in told else ""
    if prefix not in told:
        return f"{prefix} is not told"
    return "" if BLACKHOLE in told[prefix] else f"{prefix} is told without BLACKHOLE"


def _mute(holes: Sequence[Hole], accepting: Mapping[str, str], heard: Sequence[ToldOfHosts]) -> list[str]:
    """A hole that goes to an upstream of ours of which no session of its family is up is dropped here, and not before."""
    found = []
    for each in holes:
        able = [name for name, upstream in accepting.items() if is_for(each, upstream)]
        up = [h for h in heard if h.session in able and h.family == each.prefix.version]
        if able and not up:
            found.append(f"no session that takes {each.prefix} is up")
    return found
