"""What an estate has to have for one of its addresses to be black-holed. Known from the scene alone."""

from __future__ import annotations

from trimtab.drills.faults.base import Arguments
from trimtab.drills.faults.preconditions import desks, needs_store
from trimtab.drills.probes.black_hole import address_of
from trimtab.drills.scene import Scene
from trimtab.errors import BadInput


def needs_black_hole(scene: Scene, arguments: Arguments) -> None:
    """A store to ask in, an upstream that accepts it, and clients of the site. Raises BadInput."""
    needs_store(scene, arguments)
    place = scene.site(arguments["site"])
    if not any(each.drops for each in place.upstreams.values()):
        raise BadInput(
            f"no upstream of {place.name} accepts black holes",
            "`blackhole: true` at an upstream says that it does: docs/estate.md",
        )
    desks(scene)
    address_of(scene, place.name)
