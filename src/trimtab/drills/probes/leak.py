"""What a site's upstreams hear from it, and whether its routers have what an upstream was made to leak."""

from __future__ import annotations

from typing import Any

from trimtab.daemons.frr import wire as frr
from trimtab.drills.node_exec import ask, ask_if_there, whatever_it_exits
from trimtab.drills.probes.defence import routes
from trimtab.drills.scene import LabLike, Scene, Upstream

# What the fault `leak` makes an upstream tell: a route of its own, and one that is not its to tell.
OWN, LEAKED = "45.99.0.0/24", "45.99.1.0/24"


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """heard: by upstream the prefixes that it has from the site, None if it is mute.  has: whether the routers have a route."""
    place = scene.site(site)
    return {
        "heard": {name: _heard(lab, up) for name, up in place.upstreams.items()},
        "has": {prefix: any(has(lab, each, prefix) for each in place.speakers) for prefix in (OWN, LEAKED)},
        "roles": {name: up.role for name, up in place.upstreams.items()},
    }


def _heard(lab: LabLike, upstream: Upstream) -> list[str] | None:
    if not upstream.runs_frr:
        reply = ask_if_there(
            lab, upstream.transit, ("birdc", "show", "route", "where", f'proto ~ "{upstream.heard}*"')
        )
        return None if reply is None else sorted({prefix for prefix, _ in routes(reply)})
    found: set[str] = set()
    for ours in upstream.ours:
        reply = ask_if_there(lab, upstream.transit, tuple(frr.show_told_by(ours)))
        if reply is None:
            return None
        found |= frr.told_by(reply)
    return sorted(found)


def has(lab: LabLike, router: str, prefix: str) -> bool:
    """Does one of our routers use a route of another network for it?"""
    said = ask(lab, router, whatever_it_exits("birdc", "show", "route", "table", "wan4", prefix))
    return f"{prefix} " in said
