"""What the estate file tells the arbiter: who there is, what a site can carry, what must not be broken, who observes."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from trimtab.estate.addressing import FAMILIES
from trimtab.estate.capacity import front_requests, peak_requests
from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import apiece, by_vrrp, speakers
from trimtab.ops.arbiter.world import Limits, ServiceAddress, SiteState
from trimtab.ops.drain.granting import Watching
from trimtab.ops.drain.judged import Facts


def facts_of(inventory: Inventory, also: Collection[str] = ()) -> Facts:
    """Of every site that holds addresses of clients. Whether its proxies work is not the file's to say. Those whose clients a
    name server leads take nobody over and give nobody away, so they are left out. also: but for these.
    """
    sites = {
        site: SiteState(
            site,
            capacity=front_requests(inventory, site),
            proxies={host.name: None for host in inventory.front(site)},
            together=not by_vrrp(inventory, site),
        )
        for site in inventory.site_names()
        if inventory.front(site) and (site in also or not apiece(inventory, site))
    }
    routers = {site: tuple(host.name for host in speakers(inventory, site)) for site in sites}
    endpoints = tuple(each for each in _endpoints(inventory) if each.site in sites)
    return Facts(sites, routers, limits_of(inventory), endpoints=endpoints)


def _endpoints(inventory: Inventory) -> Iterator[ServiceAddress]:
    for name, service in sorted(inventory.estate.services.items()):
        for family in FAMILIES:
            for site, address in inventory.service_vips(service, family).items():
                yield ServiceAddress(name, site, str(address))


def limits_of(inventory: Inventory) -> Limits:
    arbiter = inventory.estate.arbiter
    return Limits(
        arbiter.sites,
        arbiter.members,
        arbiter.changes,
        arbiter.window,
        peak_requests(inventory.estate),
        arbiter.restore,
    )


def watching_of(inventory: Inventory) -> Watching:
    """Observers are on the registries' hosts."""
    quorum = inventory.estate.edge.health.quorum
    vantage = tuple(site for site in inventory.site_names() if inventory.on_duty("registry", site))
    return Watching(vantage, None if quorum == "majority" else int(quorum))
