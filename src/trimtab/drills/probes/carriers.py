"""Which hosts of a site its upstreams hear its prefixes from, and since when. Asked of the upstreams, not of us."""

from __future__ import annotations

import re
from typing import Any

from trimtab.drills.node_exec import ask_if_there
from trimtab.drills.probes.route import show, speaks
from trimtab.drills.scene import LabLike, Scene


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """Prefix → by upstream {session with the host: since when}, None where it is mute."""
    place = scene.site(site)
    return {
        prefix: {
            name: judge(ask_if_there(lab, up.transit, show(prefix)), up.heard)
            for name, up in place.upstreams.items()
            if speaks(up, prefix)
        }
        for prefix in place.prefixes
    }


def judge(reply: str | None, heard: str) -> dict[str, str] | None:
    """Of a reply of `birdc show route`. heard: what the upstream's sessions with the site begin with."""
    if reply is None:
        return None
    return dict(re.findall(rf"\[({re.escape(heard)}\S*) ([^\s\]]+)", reply))
