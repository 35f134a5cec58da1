"""Who is caught where: of each prefix of the estate the site at which each network around it, and each router, has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from trimtab.answers.routes import Heard
from trimtab.daemons.bird.speak import speak, spoken
from trimtab.daemons.catchment import Announced, bird_questions, frr_question, heard_by_bird, heard_by_frr
from trimtab.daemons.frr.wire import NAME as FRR
from trimtab.drills.node_exec import ask
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import TrimtabError


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """heard: as `trimtab routes --json` has it.  silent: who gave no answer, one without power among them. Asks everybody,
    whatever the site.
    """
    ours = announced(scene)
    routers = {router: each.name for each in scene.sites.values() for router in each.routers}
    found: dict[str, Any] = {"heard": [], "silent": []}
    for vantage in (*sorted(scene.vantages), *routers):
        try:
            told = list(_heard(lab, ours, vantage, routers.get(vantage, ""), scene.vantages.get(vantage, "")))
        except (TrimtabError, OSError):
            found["silent"].append(vantage)
        else:
            found["heard"] += map(asdict, told)
    return found


def announced(scene: Scene) -> Announced:
    sites: dict[int, tuple[str, ...]] = {}
    for each in scene.sites.values():
        sites[each.asn] = (*sites.get(each.asn, ()), each.name)
    return Announced(scene.announced, sites)


def _heard(lab: LabLike, ours: Announced, vantage: str, own: str, speaker: str) -> Iterator[Heard]:
    """Raises TrimtabError, OSError."""
    if speaker == FRR:
        yield from heard_by_frr(ours, vantage, ask(lab, vantage, frr_question(ours)))
    else:
        asked = bird_questions(ours, router=bool(own))
        said = ask(lab, vantage, speak(asked)).encode()
        yield from heard_by_bird(ours, vantage, own, spoken(vantage, asked, said))
