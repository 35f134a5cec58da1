"""Top-of-rack switches in the twin: at a site without routers the machines of its upstreams, or its cloud, stand in every network.

The first is the gateway (`.9`); the others have an address below it, for hosts spread what they send over all of them. Each
forwards between the networks, and spreads what comes for the site's prefixes over all hosts that announce them.
"""

from __future__ import annotations

from dataclasses import replace

from trimtab.estate.addressing import FAMILIES, Vlan
from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import apiece, switched
from trimtab.lab import cloud
from trimtab.lab.topology import Leg
from trimtab.lab.transit import Transit
from trimtab.lab.uplinks import lan_segment

GATEWAY = 9  # of every network; those below it are routers' and switches'


def stand_in(inventory: Inventory, nets: list[Transit]) -> None:
    """Give the switches of each such site their legs."""
    by_asn = {transit.asn: transit for transit in nets}
    for site in filter(lambda each: switched(inventory, each), inventory.site_names()):
        upstreams = [up for _, up in sorted(inventory.estate.sites[site].upstreams.items())]
        asns = [cloud.number(inventory, site)] if apiece(inventory, site) else [up.asn for up in upstreams]
        found = dict.fromkeys(asn for asn in asns if asn in by_asn)
        for number, asn in enumerate(list(found)[:GATEWAY]):
            for vlan in inventory.vlans(site):
                _stand(inventory, by_asn[asn], site, vlan, GATEWAY - number)


def _stand(inventory: Inventory, transit: Transit, site: str, vlan: Vlan, host: int) -> None:
    segment, own = lan_segment(site, vlan), []
    for family in FAMILIES:
        counted = inventory.lans.counted(vlan, family, host)
        address = inventory.gateway(site, vlan, family) if host == GATEWAY else counted
        own.append(f"{address}/{vlan.network(family).prefixlen}")
    for i, leg in enumerate(transit.legs):
        if leg.segment == segment:
            more = tuple(own) if host == GATEWAY else ()
            transit.legs[i] = replace(leg, addresses=(*leg.addresses, *more))
            return
    number = inventory.estate.sites[site].id
    transit.legs.append(Leg(f"s{number}v{vlan.octet}", segment, tuple(own)))
