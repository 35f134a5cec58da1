"""Which hosts of a site its upstreams hear its prefixes from, and since when. Asked of the upstreams, not of us."""

from __future__ import annotations

import re
from typing import Any

from trimtab.daemons.frr import wire as frr
from trimtab.drills.node_exec import ask_if_there
from trimtab.drills.probes.route import show, speaks
from trimtab.drills.scene import LabLike, Scene, Upstream


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """Prefix → by upstream {session with the host: since when}, None where it is mute."""
    place = scene.site(site)
    return {
        prefix: {name: _heard(lab, up, prefix) for name, up in place.upstreams.items() if speaks(up, prefix)}
        for prefix in place.prefixes
    }


def _heard(lab: LabLike, upstream: Upstream, prefix: str) -> dict[str, str] | None:
    if not upstream.runs_frr:
        return judge(ask_if_there(lab, upstream.transit, show(prefix)), upstream.heard)
    reply = ask_if_there(lab, upstream.transit, tuple(frr.show_route(prefix)))
    if reply is None:
        return None
    return {each: since for each in upstream.ours if (since := frr.told_at(reply, [each]))}


def judge(reply: str | None, heard: str) -> dict[str, str] | None:
    """Of a reply of `birdc show route`. heard: what the upstream's sessions with the site begin with."""
    if reply is None:
        return None
    return dict(re.findall(rf"\[({re.escape(heard)}\S*) ([^\s\]]+)", reply))
