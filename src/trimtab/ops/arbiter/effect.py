"""What an action would cost: who carries before and after it, and how full they would be."""

from __future__ import annotations

from dataclasses import dataclass

from trimtab.ops.arbiter import addresses
from trimtab.ops.arbiter.world import OF_SITES, PoolState, Request, SiteState, World


@dataclass(frozen=True, slots=True)
class Effect:
    """sites: that carry. full: load as a share of the capacity of those (1.0 is full), None where either is not known.
    peers: of the target's own kind that are left (other proxies of the site that work; members of the pool that are well).
    """

    sites_before: tuple[str, ...]
    sites_after: tuple[str, ...]
    full_before: float | None
    full_after: float | None
    peers: int = 0
    peers_of: int = 0
    takes: bool = True


def effect_of(world: World, request: Request) -> Effect:
    """takes: whether the target carries anything now. A site that is `unknown` is taken to carry: it may."""
    if request.kind == "blackhole":
        return _of_address(world, request)
    site = world.sites.get(request.site)
    before = world.carrying()
    capacity = capacity_of(world, before)
    if site is None:
        return Effect(before, before, _full(world, capacity), _full(world, capacity))
    if request.kind in OF_SITES:
        after = world.carrying(without=request.site)
        takes = site.step == "serve" and site.state in ("serving", "unknown")
        return Effect(
            before, after, _full(world, capacity), _full(world, capacity_of(world, after)), takes=takes
        )
    if request.kind == "drain-proxy":
        return _of_proxy(world, request, site, before)
    return _of_member(world, request, before)


def capacity_of(world: World, sites: tuple[str, ...], without: str = "") -> float | None:
    """Together, but for one proxy; None where a site is not measured, or there is none: how full nobody is says nothing."""
    found = [world.sites[name].capacity_without(without) for name in sites]
    known = [each for each in found if each is not None]
    return sum(known) if known and len(known) == len(found) else None


def _full(world: World, capacity: float | None) -> float | None:
    if world.limits.load is None or capacity is None:
        return None
    return world.limits.load / capacity if capacity > 0 else float("inf")


def _of_address(world: World, request: Request) -> Effect:
    before, after = (addresses.carrying(each) for each in (world, addresses.after(world, request)))
    was, will = (_full(world, capacity_of(world, each)) for each in (before, after))
    return Effect(before, after, was, will, takes=addresses.takes(world, request))


def _of_proxy(world: World, request: Request, site: SiteState, before: tuple[str, ...]) -> Effect:
    """Where one proxy holds all addresses of a site it carries as much with another one; where all carry, its share is gone."""
    others = [works for name, works in site.proxies.items() if name != request.target]
    full, after = (_full(world, capacity_of(world, before, left)) for left in ("", request.target))
    takes = site.proxies.get(request.target) is not False
    left = sum(works is True for works in others)
    return Effect(before, before, full, after, left, len(site.proxies), takes)


def pool_of(world: World, request: Request) -> PoolState | None:
    name = request.target.partition("/")[0]
    return next((pool for pool in world.pools if (pool.site, pool.name) == (request.site, name)), None)


def _of_member(world: World, request: Request, before: tuple[str, ...]) -> Effect:
    pool, member = pool_of(world, request), request.target.partition("/")[2]
    members = pool.members if pool else {}
    left = sum(well for name, well in members.items() if name != member)
    left = max(0, left - (pool.more if pool else 0))
    full = _full(world, capacity_of(world, before))
    return Effect(before, before, full, full, left, len(members), members.get(member, False))
