"""Two operators ask for drains of two sites at the same moment, each on a host of its own."""

from __future__ import annotations

import time

from trimtab.drills.drain_outcome import await_well, bring_back, end_drains
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.freeze import answer
from trimtab.drills.faults.preconditions import desks, needs_drain, others_that_serve, scene_of
from trimtab.drills.operator import SECONDS, Command, Ended, drain_words
from trimtab.drills.probes import route
from trimtab.drills.scene import LabLike, Scene


class TwoDrains:
    """of: `two-sites`: the site and the next one that serves. Which of them is granted is chance."""

    kind = "two-drains"
    targets = ("two-sites",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        needs_drain(scene, arguments)
        site = arguments["site"]
        other = others_that_serve(scene, site)[0]
        first = desks(scene, site)[0]
        second = next((host for host in reversed(desks(scene, other)) if host != first), first)
        await_well(lab, first, scene.source)
        says = f"two operators drain {site} and {other} at the same moment"
        return Aim(site, (), "", says, names=(site, first, other, second, scene.source))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        """at: when the granted one was to become second choice. told: both answers, and what upstreams hear of that one."""
        *pairs, source = aim.names
        asked = list(zip(pairs[::2], pairs[1::2], strict=True))
        words = [drain_words(lab, node, source, site) for site, node in asked]
        begun = time.monotonic()
        ended = _both(lab, source, [node for _, node in asked], words)
        drains = [
            {"site": s, **answer(n, e), "done": is_done(e)} for (s, n), e in zip(asked, ended, strict=True)
        ]
        granted = [each["site"] for each in drains if each["done"]]
        routes = {site: route.look(lab, scene_of(lab), site) for site in granted}
        at = min((m.at for e in ended if is_done(e) for m in e.moves if m.what == "prefer"), default=begun)
        return Struck(at, {"drains": drains, "routes": routes})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        site, first, other, second, source = aim.names
        end_drains(lab, first, second)
        bring_back(lab, first, source, site, other)


def _both(lab: LabLike, source: str, nodes: list[str], words: list[tuple[str, ...]]) -> list[Ended]:
    """Started together, whatever becomes of the first."""
    ends = time.monotonic() + SECONDS
    with Command(lab, nodes[0], source, *words[0]) as one, Command(lab, nodes[1], source, *words[1]) as other:
        return [each.end(ends - time.monotonic()) for each in (one, other)]


def is_done(ended: Ended) -> bool:
    return ended.exit == 0 and ended.drained is not None
