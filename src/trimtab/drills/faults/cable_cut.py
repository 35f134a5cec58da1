"""Cables are cut in the middle: both ends keep their carrier, so only a protocol's own timers notice."""

from __future__ import annotations

from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import BadInput


class CableCut:
    """of: `site-links`, all private paths from a site to the others; `replica-links`, only those to sites that serve,
    so that a probe still hears both; `upstream-links`, all of a site's ways to the Internet."""

    kind = "cable-cut"
    targets = ("site-links", "replica-links", "upstream-links")

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        if of == "site-links":
            segments = tuple(place.links.values())
            says = f"{place.name} is cut off from {', '.join(place.links)}; its clients still reach it"
        elif of == "replica-links":
            others = {name: path for name, path in place.links.items() if scene.sites[name].proxies}
            segments = tuple(others.values())
            says = f"nothing is replicated from {place.name} to {', '.join(others)} any more"
        else:
            segments = tuple(up.segment for up in place.upstreams.values())
            says = (
                f"{place.name} is cut off from {', '.join(place.upstreams)}; the other sites still reach it"
            )
        if not segments:
            raise BadInput(f"{place.name} has no {of} to cut", "the drill needs another estate, or --site")
        return Aim(place.name, (), "", says, segments)

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        return Struck(lab.cut_cables(aim.segments))

    def restore(self, lab: LabLike, aim: Aim) -> None:
        lab.mend_cables(aim.segments)
