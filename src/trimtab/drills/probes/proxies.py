"""What a site's proxies say of themselves, as their engine tells it (`daemons/serving.py`)."""

from __future__ import annotations

from typing import Any

from trimtab.drills.node_exec import asked
from trimtab.drills.scene import LabLike, Scene


def members(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """By proxy {pool: {address: weight}} of those that get requests; None where nothing answers."""
    return {proxy: asked(lab, proxy, scene.serving.members) for proxy in scene.site(site).proxies}


def workers(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """By proxy {"serving": [pid], "leaving": [pid], "failed": failed reloads}, None where nothing answers."""
    return {proxy: asked(lab, proxy, scene.serving.workers) for proxy in scene.site(site).proxies}
