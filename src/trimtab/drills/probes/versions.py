"""Which version of the application answers on a site's backends: each is asked on its first port."""

from __future__ import annotations

import re
from typing import Any

from trimtab.drills.node_exec import ask_if_there
from trimtab.drills.scene import LabLike, Scene
from trimtab.lab.storefront import CONFIG

# The port is the first that the application listens on.
ASK = (
    "sh",
    "-c",
    rf"curl -s -o /dev/null -D - --max-time 2 http://127.0.0.1:$(sed -n 's/^ *listen \([0-9]*\);/\1/p' {CONFIG} | head -1)/",
)


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """By backend its version; None where nothing answers."""
    return {host: judge(ask_if_there(lab, host, ASK)) for host in scene.site(site).backends}


def judge(reply: str | None) -> str | None:
    found = re.search(r"(?mi)^x-version: (\S+)", reply or "")
    return found[1] if found else None
