"""Where a fault hits: the places that several kinds share, resolved in the running twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from trimtab.drills.faults.base import Arguments
from trimtab.drills.scene import LabLike, Scene, Site, Upstream
from trimtab.drills.witness.store import find_leader
from trimtab.drills.witness.vip import find_vip_holder
from trimtab.errors import BadInput

Resolve = Callable[[LabLike, Scene, Arguments], tuple[tuple[str, ...], str]]


def _site(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    place = scene.site(arguments["site"])
    return place.hosts, f"{place.name} ({len(place.hosts)} hosts)"


def _vip_holder(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    holder = find_vip_holder(lab, scene.site(arguments["site"]))
    return (holder,), f"{holder}, which holds the VIPs of {arguments['site']},"


def _proxies(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    place = scene.site(arguments["site"])
    return place.proxies, f"every proxy of {place.name} ({', '.join(place.proxies)})"


def _backend(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    place = scene.site(arguments["site"])
    if len(place.backends) < 2:
        raise BadInput(
            f"{place.name} has {len(place.backends)} backends in its pools",
            "with one less than two there is nobody left to serve: give the pool more hosts",
        )
    return place.backends[:1], f"{place.backends[0]}, one of {len(place.backends)} backends of {place.name},"


def _store_leader(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    if not scene.stores:
        raise BadInput(
            "the estate has no store, so there is no leader to lose", "see `stores` in docs/estate.md"
        )
    leader = find_leader(lab, scene)
    return (leader,), f"{leader}, which leads the store {scene.stores[0].name},"


def _upstream(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    place = scene.site(arguments["site"])
    found = upstream(place, arguments)
    return (found.transit,), f"{found.transit}, which carries {place.name} as {found.name},"


def upstream(place: Site, arguments: Arguments) -> Upstream:
    """The upstream that the arguments name, otherwise the first. Raises BadInput where there is none."""
    if not place.upstreams:
        raise BadInput(f"{place.name} has no upstream", "name another site with --site")
    wanted = arguments.get("upstream") or next(iter(place.upstreams))
    if wanted not in place.upstreams:
        raise BadInput(f"{place.name} has no upstream {wanted!r}", f"there are: {', '.join(place.upstreams)}")
    return place.upstreams[wanted]


HOSTS: Mapping[str, Resolve] = {
    "site": _site,
    "vip-holder": _vip_holder,
    "proxies": _proxies,
    "backend": _backend,
    "store-leader": _store_leader,
    "upstream": _upstream,
}


def site_hit(scene: Scene, arguments: Arguments, nodes: tuple[str, ...]) -> str:
    """The site that is hit: that of the hosts, or the asked one where a network outside is."""
    inside = [site.name for site in scene.sites.values() if nodes and nodes[0] in site.hosts]
    return inside[0] if inside else arguments["site"]
