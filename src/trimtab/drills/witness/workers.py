"""Which generation of a site's proxies serves, as their engine tells it."""

from __future__ import annotations

from typing import Any

from trimtab.drills.ask import asked
from trimtab.drills.scene import LabLike, Scene


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """By proxy {"serving": [pid], "leaving": [pid], "failed": failed reloads}, None where nothing answers."""
    return {proxy: asked(lab, proxy, scene.serving.workers) for proxy in scene.site(site).proxies}
