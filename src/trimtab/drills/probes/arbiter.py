"""How the sites stand, as any operator would ask: `trimtab status` on a registry host, another site's first."""

from __future__ import annotations

from typing import Any

from trimtab.answers.codec import plain
from trimtab.drills.drain_outcome import rows
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import TrimtabError


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """{"asked": the host that answered, "site": its row, "steps": every site's step}; None and none where nobody does."""
    places = sorted(scene.sites.values(), key=lambda place: place.name == site)
    for node in (place.registries[0] for place in places if place.registries):
        try:
            found = rows(lab, node, scene.source)
        except (TrimtabError, OSError):  # it has no power: the next one
            continue
        if found is not None:
            steps = {name: row.step for name, row in found.items()}
            return {"asked": node, "site": plain(found[site]) if site in found else None, "steps": steps}
    return {"asked": None, "site": None, "steps": {}}
