"""Black holes, a line each."""

from __future__ import annotations

from collections.abc import Iterable

from trimtab.answers.blackhole import BlackHole, BlackHoles
from trimtab.cli.output import clock


def lines(answer: BlackHoles) -> list[str]:
    if not answer.holes:
        return ["no host is black-holed"]
    rows = [row(each) for each in answer.holes]
    head = f"{'address':<24} {'state':<8} {'until':<20} {'sites':<14} {'routers':<8} by"
    return [head, *rows, *amiss(answer.holes), *answer.notes]


def row(hole: BlackHole) -> str:
    told = f"{sum(hole.routers.values())} of {len(hole.routers)}" if hole.routers else "-"
    until = clock(hole.lifted_at if hole.state == "lifted" else hole.until)
    sites = ", ".join(hole.sites)
    return f"{hole.address:<24} {hole.state:<8} {until:<20} {sites:<14} {told:<8} {_by(hole)}"


def _by(hole: BlackHole) -> str:
    whom = f"; to {', '.join(hole.upstreams)} alone" if hole.upstreams else ""
    service = f" ({', '.join(hole.services)})" if hole.services else ""
    lifted = f"; lifted by {hole.lifted_by}" if hole.lifted_by else ""
    return f"{hole.by}: {hole.reason}{service}{whom}{lifted}"


def amiss(holes: Iterable[BlackHole]) -> list[str]:
    return list(dict.fromkeys(text for hole in holes for text in hole.amiss))


def standing(holes: Iterable[BlackHole]) -> list[str]:
    """For `trimtab status`: a sentence each."""
    return [
        f"{hole.address} is black-holed until {clock(hole.until)} at {', '.join(hole.sites)} by {_by(hole)}"
        for hole in holes
    ]
