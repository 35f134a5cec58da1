"""Since when do a site's upstreams hear its own prefixes from the site itself? Asked of the upstreams, not of us."""

from __future__ import annotations

import re
from typing import Any

from trimtab.daemons.frr import wire as frr
from trimtab.drills.node_exec import ask_if_there, whatever_it_exits
from trimtab.drills.scene import LabLike, Scene, Upstream


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """Prefix → by upstream the time since which it hears it from the site, "" if it does not, None if it is mute.

    The same time before and after a fault shows that the route has not flapped in between.
    """
    place = scene.site(site)
    return {
        prefix: {name: since(lab, up, prefix) for name, up in place.upstreams.items() if speaks(up, prefix)}
        for prefix in place.prefixes
    }


def since(lab: LabLike, upstream: Upstream, prefix: str) -> str | None:
    """The time since which an upstream hears the prefix from the site, "" if it does not, None if it is mute."""
    if upstream.runs_frr:
        reply = ask_if_there(lab, upstream.transit, tuple(frr.show_route(prefix)))
        return None if reply is None else frr.since(reply, upstream.ours)
    return judge(ask_if_there(lab, upstream.transit, show(prefix)), upstream.heard)


def show(prefix: str) -> tuple[str, ...]:
    """birdc fails where it knows no route, which is an answer."""
    return whatever_it_exits("birdc", "show", "route", prefix)


def speaks(upstream: Upstream, prefix: str) -> bool:
    """Does the upstream have a session of the prefix's family?"""
    return any((":" in peer) == (":" in prefix) for peer in upstream.peers)


def judge(reply: str | None, heard: str) -> str | None:
    """Since when a reply of `birdc show route` has a route of ours, "" if it has none.

    heard: what the upstream calls its sessions with the site.
    """
    if reply is None:
        return None
    found = re.search(rf"\[{re.escape(heard)}\S* ([^\]]+)\]", reply)
    return found[1] if found else ""
