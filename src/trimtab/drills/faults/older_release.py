"""What a drill of agents of two releases needs. Known before there is a twin."""

from __future__ import annotations

from trimtab.delivery import releases
from trimtab.drills.faults.base import Arguments
from trimtab.drills.faults.preconditions import needs_store
from trimtab.drills.scene import Scene
from trimtab.errors import BadInput


def needs_release(scene: Scene, arguments: Arguments) -> None:
    """Known before there is a twin. Raises EnvironmentUnable, BadInput."""
    needs_store(scene, arguments)
    place = scene.site(arguments["site"])
    if len(place.proxies) < 2 or len(place.backends) < 2:
        raise BadInput(
            f"{place.name} has {len(place.proxies)} proxies and {len(place.backends)} backends",
            "one of each is drained: the drill needs two",
        )
    releases.program()
