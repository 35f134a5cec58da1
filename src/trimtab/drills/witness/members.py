"""Whom a site's proxies send requests to, as their engine tells it."""

from __future__ import annotations

from typing import Any

from trimtab.drills.ask import asked
from trimtab.drills.scene import LabLike, Scene


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """By proxy {pool: {address: weight}} of those that get requests; None where nothing answers."""
    return {proxy: asked(lab, proxy, scene.serving.members) for proxy in scene.site(site).proxies}
