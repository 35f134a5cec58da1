"""Where a fault hits: the targets that several kinds share, resolved in the running twin.

What a place needs is known from the scene alone, so it is also asked before there is a twin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from trimtab.daemons.agent.daemon import UNIT
from trimtab.drills.faults import flood, older_release, other_system, preconditions
from trimtab.drills.faults.base import Arguments
from trimtab.drills.faults.black_hole_needs import needs_black_hole
from trimtab.drills.probes.store import find_leader
from trimtab.drills.probes.vip import find_vip_holder
from trimtab.drills.scene import LabLike, Scene, Site, Upstream
from trimtab.errors import BadInput

AGENT_UNIT = UNIT
Resolve = Callable[[LabLike, Scene, Arguments], tuple[tuple[str, ...], str]]


def _site(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    place = scene.site(arguments["site"])
    return place.hosts, f"{place.name} ({len(place.hosts)} hosts)"


def _vip_holder(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    _needs_holder(scene, arguments)
    holder = find_vip_holder(lab, scene.site(arguments["site"]))
    return (holder,), f"{holder}, which holds the VIPs of {arguments['site']},"


def _proxies(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    _needs_proxies(scene, arguments)
    place = scene.site(arguments["site"])
    if not place.proxies:
        raise BadInput(f"{place.name} has no proxy", "name another site with --site")
    return place.proxies, f"every proxy of {place.name} ({', '.join(place.proxies)})"


def _backend(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    _needs_backends(scene, arguments)
    place = scene.site(arguments["site"])
    return place.backends[:1], f"{place.backends[0]}, one of {len(place.backends)} backends of {place.name},"


def _agents(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    place = scene.site(arguments["site"])
    return place.hosts, f"every host of {place.name} ({len(place.hosts)})"


def _backends(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    preconditions.needs_some_backend(scene, arguments)
    place = scene.site(arguments["site"])
    return place.backends, f"every backend of {place.name} ({len(place.backends)})"


def _every_backend(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    found = tuple(host for site in scene.sites.values() for host in site.backends)
    return found, f"every backend of every site ({len(found)})"


def _registries(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    _needs_registries(scene, arguments)
    found = tuple(host for site in scene.sites.values() for host in site.registries)
    return found, f"every registry member of every site ({len(found)})"


def _announcer(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    _needs_announcers(scene, arguments)
    found = scene.site(arguments["site"]).announcers
    return found[
        :1
    ], f"{found[0]}, one of {len(found)} proxies of {arguments['site']} that announce by themselves,"


def _addressed(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    _needs_addressed(scene, arguments)
    public = scene.site(arguments["site"]).public
    first, own = next(iter(public.items()))
    return (first,), f"{first} ({', '.join(own)}), one of {len(public)} proxies of {arguments['site']},"


def _speaker(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    _needs_speaker(scene, arguments)
    found = scene.site(arguments["site"]).speakers
    return found[:1], f"{found[0]}, one of {len(found)} that speak with the upstreams of {arguments['site']},"


def unit_of(place: Site, of: str) -> str:
    """What a fault at a place is about: the agent, the proxy, what speaks BGP, or the application."""
    units = {"agents": AGENT_UNIT, "vip-holder": place.front_unit, "speaker": place.speaker_unit}
    return units.get(of, place.backend_unit)


def _store_leader(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    _needs_store(scene, arguments)
    leader = find_leader(lab, scene)
    return (leader,), f"{leader}, which leads the store {scene.stores[0].name},"


def _upstream(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    place = scene.site(arguments["site"])
    found = upstream(place, arguments)
    return (found.transit,), f"{found.transit}, which carries {place.name} as {found.name},"


def _route_servers(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[tuple[str, ...], str]:
    place = scene.site(arguments["site"])
    found = tuple(up.transit for up in place.upstreams.values() if up.role == "route-server")
    return found, f"every route server of {place.name} ({', '.join(found)})"


def upstream(place: Site, arguments: Arguments) -> Upstream:
    """The upstream that the arguments name, otherwise the first. Raises BadInput where there is none."""
    if not place.upstreams:
        raise BadInput(f"{place.name} has no upstream", _other_site())
    wanted = arguments.get("upstream", next(iter(place.upstreams)))
    if wanted not in place.upstreams:
        raise BadInput(f"{place.name} has no upstream {wanted!r}", f"there are: {', '.join(place.upstreams)}")
    return place.upstreams[wanted]


def check(scene: Scene, arguments: Arguments, kind: str, of: str) -> None:
    """Raise BadInput where the site, or the estate, lacks what is to be hit."""
    scene.site(arguments["site"])
    needs = NEEDS.get((kind, of)) or NEEDS.get(("", of))
    if needs is not None:
        needs(scene, arguments)


def _needs_proxies(scene: Scene, arguments: Arguments) -> None:
    place = scene.site(arguments["site"])
    if not place.proxies:
        found = [site.name for site in scene.sites.values() if site.proxies]
        raise BadInput(f"{place.name} has no proxy", _other_site(*found))


def _needs_holder(scene: Scene, arguments: Arguments) -> None:
    """VRRP moves the VIPs: where they stand on every proxy, or there are none, no proxy holds them."""
    _needs_proxies(scene, arguments)
    place = scene.site(arguments["site"])
    if not place.one_holds:
        drill = "nat-site" if place.public else "ecmp-member-death"
        found = [site.name for site in scene.sites.values() if site.one_holds]
        raise BadInput(
            f"no VRRP moves addresses at {place.name}, so no proxy holds them alone",
            f"what loses one of its proxies is {drill}" + (f"; or {_other_site(*found)}" if found else ""),
        )


def _needs_backends(scene: Scene, arguments: Arguments) -> None:
    place, found = scene.site(arguments["site"]), len(scene.site(arguments["site"]).backends)
    if found < 2:
        raise BadInput(
            f"{place.name} has {found} backends in its pools",
            "with fewer than two there is nobody left to serve: give the pool more hosts",
        )


def _needs_ledger(scene: Scene, arguments: Arguments) -> None:
    _needs_backends(scene, arguments)
    if scene.ledger is None:
        raise BadInput(
            "no service takes orders, so nothing could be done twice", "see `ledger` in docs/estate.md"
        )


def _needs_registries(scene: Scene, arguments: Arguments) -> None:
    if not scene.site(arguments["site"]).registries:
        found = [site.name for site in scene.sites.values() if site.registries]
        raise BadInput(f"{arguments['site']} has no registry", _other_site(*found))


def _needs_split(scene: Scene, arguments: Arguments) -> None:
    _needs_registries(scene, arguments)
    if not scene.splits:
        raise BadInput("no route has a split", "give a route `split: {web: 100, web-next: 0}`")
    name, found = next(iter(sorted(scene.splits.items())))
    if len(set(found.ports.values())) < len(found.ports):
        raise BadInput(
            f"pools of {name} share a port, and who answered is told by the port",
            "give the pools of the first split ports of their own",
        )


def _needs_store(scene: Scene, arguments: Arguments) -> None:
    if not scene.stores:
        raise BadInput(
            "the estate has no store, so there is no leader to lose", "see `stores` in docs/estate.md"
        )


def _needs_member(scene: Scene, arguments: Arguments) -> None:
    _needs_store(scene, arguments)
    place, members = scene.site(arguments["site"]), scene.stores[0].hosts
    if not any(host in members for host in place.hosts):
        found = [site.name for site in scene.sites.values() if any(host in members for host in site.hosts)]
        raise BadInput(f"{place.name} has no member of the store {scene.stores[0].name}", _other_site(*found))


def _needs_other_site(scene: Scene, arguments: Arguments) -> None:
    place = scene.site(arguments["site"])
    if not place.links:
        raise BadInput(
            f"{place.name} is the only site, so there is no path to another one to cut",
            "the drill needs an estate with a second site",
        )


def _needs_other_front(scene: Scene, arguments: Arguments) -> None:
    _needs_other_site(scene, arguments)
    place = scene.site(arguments["site"])
    if not any(scene.sites[other].proxies for other in place.links):
        raise BadInput(
            f"no other site than {place.name} has a proxy, so nobody stands by",
            "the drill needs an estate with a second site that serves",
        )


def _needs_upstreams(scene: Scene, arguments: Arguments) -> None:
    place = scene.site(arguments["site"])
    if not place.upstreams:
        found = [site.name for site in scene.sites.values() if site.upstreams]
        raise BadInput(f"{place.name} has no upstream", _other_site(*found))


def _needs_route_servers(scene: Scene, arguments: Arguments) -> None:
    place = scene.site(arguments["site"])
    if not any(up.role == "route-server" for up in place.upstreams.values()):
        found = [
            site.name
            for site in scene.sites.values()
            if any(up.role == "route-server" for up in site.upstreams.values())
        ]
        raise BadInput(f"{place.name} is at no exchange with a route server", _other_site(*found))


def _needs_another_upstream(scene: Scene, arguments: Arguments) -> None:
    place = scene.site(arguments["site"])
    told = [up for up in place.upstreams.values() if up.runs_frr]
    if len(place.upstreams) < 2 or not told:
        raise BadInput(
            f"{place.name} has {len(place.upstreams)} upstreams, {len(told)} of them with FRR",
            "a leak goes from one to another; the first is played by FRR (`twin: {peers: frr}`)",
        )


def _needs_announcers(scene: Scene, arguments: Arguments) -> None:
    place = scene.site(arguments["site"])
    if len(place.announcers) < 2:
        found = [site.name for site in scene.sites.values() if len(site.announcers) > 1]
        hint = _other_site(*found) if found else "`front: bgp` at a site with two proxies: docs/estate.md"
        raise BadInput(f"{place.name} has no two proxies that announce by themselves", hint)


def _needs_addressed(scene: Scene, arguments: Arguments) -> None:
    place = scene.site(arguments["site"])
    if len(place.public) < 2:
        found = [site.name for site in scene.sites.values() if len(site.public) > 1]
        hint = _other_site(*found) if found else "`front: none` at a site with two proxies: docs/estate.md"
        raise BadInput(f"{place.name} has no two proxies with public addresses of their own", hint)


def _needs_speaker(scene: Scene, arguments: Arguments) -> None:
    """One of several, or of several sites: else nobody carries while it is gone."""
    _needs_upstreams(scene, arguments)
    place = scene.site(arguments["site"])
    others = [site for site in scene.sites.values() if site.name != place.name and site.proxies]
    if len(place.speakers) < 2 and not others:
        raise BadInput(
            f"{place.name} has one host that speaks with its upstreams, and no other site serves",
            "the drill needs a second router, a second proxy that announces, or a second site",
        )


def _needs_upstream(scene: Scene, arguments: Arguments) -> None:
    upstream(scene.site(arguments["site"]), arguments)


def _needs_rpki(scene: Scene) -> None:
    preconditions.needs_rpki(scene)


def _needs_upstream_and_rpki(scene: Scene, arguments: Arguments) -> None:
    _needs_upstream(scene, arguments)
    _needs_rpki(scene)


def _other_site(*names: str) -> str:
    return f"name another site with --site{': ' if names else ''}{', '.join(names)}"


# By (kind, place), or ("", place) for every kind that has it.
NEEDS: Mapping[tuple[str, str], Callable[[Scene, Arguments], None]] = {
    ("lead", "site"): _needs_member,
    ("blackhole", "address"): needs_black_hole,
    ("blackhole", "unattended"): needs_black_hole,
    ("power-cut", "backends"): preconditions.needs_across,
    ("pool-loss", "backends"): preconditions.needs_lonely,
    ("", "announcer"): _needs_announcers,
    ("", "addressed"): _needs_addressed,
    ("", "speaker"): _needs_speaker,
    ("", "vip-holder"): _needs_holder,
    ("", "proxies"): _needs_proxies,
    ("", "backend"): _needs_backends,
    ("", "backends"): _needs_backends,
    ("", "every-backend"): _needs_backends,
    ("", "registries"): _needs_registries,
    ("", "canary"): _needs_split,
    ("", "store-leader"): _needs_store,
    ("", "site-links"): _needs_other_site,
    ("", "replica-links"): _needs_other_front,
    ("", "upstream"): _needs_upstream,
    ("", "route-servers"): _needs_route_servers,
    ("", "ipv4"): _needs_upstreams,
    ("", "ipv6"): _needs_upstreams,
    ("leak", "upstream"): _needs_another_upstream,
    ("", "upstreams"): _needs_upstreams,
    ("", "upstream-links"): _needs_upstreams,
    ("die-answering", "backends"): _needs_ledger,
    ("upgrade", "proxies"): other_system.needs_in_place,
    ("upgrade-registries", "registries"): other_system.needs_etcd_upgrade,
    ("upgrade-drained", "proxies"): other_system.needs_drain_and_system,
    ("older-agents", "every-agent"): older_release.needs_release,
    ("upgrade-agents", "every-other-agent"): older_release.needs_release,
    ("flood", "vips"): flood.needs_few_places,
    ("hijack", "upstream"): _needs_upstream_and_rpki,
    ("", "validators"): lambda scene, _: _needs_rpki(scene),
    ("drain", "site"): preconditions.needs_drain,
    ("drain-killed", "site"): preconditions.needs_drain,
    ("estate-leader-killed", "site"): preconditions.needs_drain,
    ("second-fault", "site"): preconditions.needs_third,
    ("", "two-sites"): preconditions.needs_drain,
    ("", "estate"): preconditions.needs_drain,
    ("", "estate-members"): preconditions.needs_store,
    ("", "one-vantage"): preconditions.needs_watched,
    ("", "every-vantage"): preconditions.needs_watched,
    ("", "one-front"): preconditions.needs_drained,
}

HOSTS: Mapping[str, Resolve] = {
    "site": _site,
    "vip-holder": _vip_holder,
    "announcer": _announcer,
    "addressed": _addressed,
    "speaker": _speaker,
    "proxies": _proxies,
    "backend": _backend,
    "backends": _backends,
    "every-backend": _every_backend,
    "agents": _agents,
    "registries": _registries,
    "store-leader": _store_leader,
    "upstream": _upstream,
    "route-servers": _route_servers,
}


def site_hit(scene: Scene, arguments: Arguments, nodes: tuple[str, ...]) -> str:
    """The site that is hit: that of the hosts, or the asked one where a network outside is."""
    inside = [site.name for site in scene.sites.values() if nodes and nodes[0] in site.hosts]
    return inside[0] if inside else arguments["site"]
