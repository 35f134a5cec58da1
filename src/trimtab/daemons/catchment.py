"""Who is caught where: of each prefix of an estate the site at which a vantage's best route ends. Pure: questions and what their
replies mean, for everybody who asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from trimtab.answers.routes import Heard
from trimtab.daemons.bird.peerings import own_prefixes
from trimtab.daemons.bird.seen import seen
from trimtab.daemons.bird.wire import Reply
from trimtab.daemons.frr import wire as frr
from trimtab.estate.addressing import FAMILIES
from trimtab.estate.inventory import Inventory


@dataclass(frozen=True, slots=True)
class Announced:
    """prefixes: what the estate announces, IPv4 first.  sites: by AS number those that have it."""

    prefixes: tuple[str, ...]
    sites: Mapping[int, tuple[str, ...]]


def announced(inventory: Inventory) -> Announced:
    sites: dict[int, tuple[str, ...]] = {}
    for site in inventory.site_names():
        sites[inventory.asn(site)] = (*sites.get(inventory.asn(site), ()), site)
    return Announced(tuple(str(p) for f in FAMILIES for p in own_prefixes(inventory, f)), sites)


def bird_questions(ours: Announced, *, router: bool) -> list[str]:
    """router: one of our own, which keeps what it has of other networks in tables of their own."""
    table = "wan" if router else "master"
    return [f"show route {p} all table {table}{6 if ':' in p else 4}" for p in ours.prefixes]


def heard_by_bird(ours: Announced, vantage: str, own: str, replies: Sequence[Reply]) -> Iterator[Heard]:
    """own: the site of one of our routers, "" for another network. Raises InvalidResponse, Refused, Conflict."""
    for prefix, reply in zip(ours.prefixes, replies, strict=True):
        found = [each for each in seen(reply) if each.kind == "unicast"]
        best = next((each for each in found if each.best), None)
        if best is None:
            yield Heard(vantage, prefix, "", (), len(found))
        else:
            sites = (own,) if own and not best.path else ours.sites.get(best.origin, ())
            yield Heard(vantage, prefix, best.path, sites, len(found))


def frr_question(ours: Announced) -> list[str]:
    """One command for all prefixes."""
    return frr.show_routes(ours.prefixes)


def heard_by_frr(ours: Announced, vantage: str, reply: str) -> Iterator[Heard]:
    """Raises InvalidResponse."""
    told = frr.paths_by_prefix(reply)
    for prefix in ours.prefixes:
        found = [path for path in told.get(prefix, ()) if path.get("valid")]
        best = next((path for path in found if path.get("bestpath", {}).get("overall")), {})
        path = str(best.get("aspath", {}).get("string", ""))
        last = path.split()[-1] if path else ""
        sites = ours.sites.get(int(last), ()) if last.isdecimal() else ()
        yield Heard(vantage, prefix, path, sites, len(found))
