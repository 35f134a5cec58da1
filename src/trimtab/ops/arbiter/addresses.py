"""What a black hole takes away: which addresses of services are left, of which sites. Pure.

An address that no service has takes nothing. One that only others' sites have is left where it is.
"""

from __future__ import annotations

from dataclasses import replace

from trimtab.ops.arbiter.world import Request, ServiceAddress, World


def takes(world: World, request: Request) -> bool:
    """Is it an address that clients ask at, and are not kept from already?"""
    return any(_hit(each, request) and not is_gone(world, each) for each in world.endpoints)


def _hit(endpoint: ServiceAddress, request: Request) -> bool:
    return endpoint.address == request.target and request.site in ("", endpoint.site)


def is_gone(world: World, endpoint: ServiceAddress) -> bool:
    return any(endpoint.address == address and endpoint.site in sites for address, sites in world.holes)


def after(world: World, request: Request) -> World:
    """Once it is granted."""
    sites = frozenset({request.site} if request.site else world.sites)
    return replace(world, holes=(*world.holes, (request.target, sites)))


def carrying(world: World) -> tuple[str, ...]:
    """The sites that carry and can be asked: one all of whose addresses are black-holed is not."""
    mute = {
        site
        for site in world.sites
        if (own := [each for each in world.endpoints if each.site == site])
        and all(is_gone(world, each) for each in own)
    }
    return tuple(site for site in world.carrying() if site not in mute)


def last_address(world: World, request: Request) -> str | None:
    """The services that would have no address of its family left where somebody serves."""
    then = after(world, request)
    lost = []
    for service in dict.fromkeys(each.service for each in world.endpoints if _hit(each, request)):
        own = [
            e for e in world.endpoints if e.service == service and family(e.address) == family(request.target)
        ]
        may = any(_may_serve(world, each) for each in own)
        if may and not any(_serves(then, each) for each in own):
            lost.append(service)
    if not lost:
        return None
    return f"{', '.join(lost)} would have no IPv{family(request.target)} address left that is known to serve"


def _may_serve(world: World, endpoint: ServiceAddress) -> bool:
    """What is not known may, when it is about what is taken."""
    site = world.sites.get(endpoint.site)
    serves = site is not None and site.step == "serve" and site.state in ("serving", "unknown")
    return serves and not is_gone(world, endpoint)


def _serves(world: World, endpoint: ServiceAddress) -> bool:
    site = world.sites.get(endpoint.site)
    return site is not None and site.carries and not is_gone(world, endpoint)


def family(address: str) -> int:
    return 6 if ":" in address else 4
