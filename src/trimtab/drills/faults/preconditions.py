"""Who else there is: a fault that an operator takes part in needs a host to ask on, and somebody who is left to serve.

Known from the scene alone, so it is also asked before there is a twin.
"""

from __future__ import annotations

from collections.abc import Collection

from trimtab.drills.faults.base import Arguments
from trimtab.drills.scene import LabLike, Rpki, Scene, Site, read_scene
from trimtab.errors import BadInput


def scene_of(lab: LabLike) -> Scene:
    """Of the running twin: a fault that is undone by another drill has no more than its aim."""
    return read_scene(lab.status()["facts"])


def desks(scene: Scene, *gone: str) -> tuple[str, ...]:
    """A registry host of each site but those: where an operator elsewhere would ask. Raises BadInput for none."""
    found = [site.registries[0] for site in scene.sites.values() if site.registries and site.name not in gone]
    if not found:
        raise BadInput(
            f"but for {', '.join(gone)} no site has a registry, where somebody could be asked",
            "the drill needs an estate with another site that has one",
        )
    return tuple(found)


def others_that_serve(scene: Scene, site: str) -> tuple[str, ...]:
    return tuple(each.name for each in scene.sites.values() if each.proxies and each.name != site)


def lost_beside(scene: Scene, site: str) -> str:
    """Which site is lost while that one is drained: the first of the others that serve, as the estate names them."""
    return others_that_serve(scene, site)[0]


def living(scene: Scene) -> str:
    """A host without a member of the estate's store, that knows the store as every host does. Raises BadInput."""
    members: Collection[str] = scene.estate_store.hosts if scene.estate_store else ()
    found = [h for site in scene.sites.values() for h in (*site.routers, *site.proxies) if h not in members]
    if not found:
        raise BadInput(
            "every router and proxy has a member of the estate's store, so nobody is left to ask",
            "the drill needs hosts without the role `registry`",
        )
    return found[-1]


# ---- what an estate may lack


def needs_watched(scene: Scene, arguments: Arguments) -> None:
    """A site endpoint, and observers of another site."""
    desks(scene, _that_serves(scene, arguments).name)


def needs_store(scene: Scene, arguments: Arguments) -> None:
    _that_serves(scene, arguments)
    if scene.estate_store is None:
        raise BadInput(
            "the estate has no store of its own, so nobody can be asked",
            "give sites hosts with the role `registry` and the engine etcd: docs/arbiter.md",
        )
    living(scene)


def needs_drain(scene: Scene, arguments: Arguments) -> None:
    """A site that can be drained, and somebody who takes its clients."""
    needs_store(scene, arguments)
    place = _that_serves(scene, arguments)
    if not others_that_serve(scene, place.name) or not place.routers:
        raise BadInput(
            f"{place.name} cannot be drained: nobody else would carry",
            "the drill needs an estate with a second site that serves",
        )
    desks(scene, place.name)


def needs_drained(scene: Scene, arguments: Arguments) -> None:
    """A site that others see, and that agents drain by themselves."""
    needs_watched(scene, arguments)
    needs_drain(scene, arguments)
    if not scene.automatic:
        raise BadInput(
            "agents of this estate drain no site by themselves",
            "the drill needs an estate without `arbiter: {automatic: false}`",
        )


def needs_third(scene: Scene, arguments: Arguments) -> None:
    """Beside the site that is drained and another one that is lost, a third one from which both are seen."""
    needs_drain(scene, arguments)
    site = arguments["site"]
    desks(scene, site, lost_beside(scene, site))


def needs_some_backend(scene: Scene, arguments: Arguments) -> None:
    place = scene.site(arguments["site"])
    if not place.backends:
        others = ", ".join(site.name for site in scene.sites.values() if site.backends)
        raise BadInput(
            f"{place.name} has no backends in its pools",
            f"name another site with --site: {others}"
            if others
            else "the drill needs a pool of the estate's own hosts",
        )


def needs_lonely(scene: Scene, arguments: Arguments) -> None:
    """A site whose proxies, routers and registry outlive its backends, and that agents drain."""
    needs_drained(scene, arguments)
    _needs_apart(scene, arguments)


def _needs_apart(scene: Scene, arguments: Arguments) -> None:
    place = _that_serves(scene, arguments)
    needs_some_backend(scene, arguments)
    if both := sorted({*place.proxies, *place.routers}.intersection(place.backends)):
        raise BadInput(
            f"{', '.join(both)} of {place.name} would be lost with its backends, and nobody would be left to ask elsewhere",
            "the drill needs backends that are hosts of their own",
        )


def needs_across(scene: Scene, arguments: Arguments) -> None:
    """Clients of the site, members that can be lost, and for each of their pools another site that serves it."""
    _needs_apart(scene, arguments)
    place = scene.site(arguments["site"])
    alone = [pool for pool, sites in place.across.items() if not sites]
    if alone:
        raise BadInput(
            f"without its backends {place.name} asks no other site for {', '.join(alone)}",
            "give each pool `across: nearest`, in an estate with a second site that has it: docs/estate.md, pools",
        )


def _that_serves(scene: Scene, arguments: Arguments) -> Site:
    place = scene.site(arguments["site"])
    if not place.proxies:
        others = ", ".join(others_that_serve(scene, place.name))
        raise BadInput(
            f"{place.name} has no proxy, so nobody is served there",
            f"name another site with --site: {others}" if others else "the drill needs a site that serves",
        )
    return place


def needs_rpki(scene: Scene) -> Rpki:
    """Raises BadInput where no validator is asked."""
    if scene.rpki is None:
        raise BadInput(
            "the estate asks no RPKI validator, so nothing says whose a prefix is",
            "the drill needs `edge: {rpki: {validators: [ADDRESS:PORT]}}`",
        )
    return scene.rpki
