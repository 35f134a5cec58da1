"""Top-of-rack switches in the twin: at a site without routers the machine of its first upstream is the gateway of every network.

It has the gateway's address (`.9`) there, forwards between them, and spreads what comes for the site's prefixes over all hosts
that announce them.
"""

from __future__ import annotations

from dataclasses import replace

from trimtab.estate.addressing import FAMILIES, Vlan
from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import switched
from trimtab.lab.topology import Leg
from trimtab.lab.transit import Transit
from trimtab.lab.uplinks import lan_segment


def stand_in(inventory: Inventory, nets: list[Transit]) -> None:
    """Give each such site's switch its legs."""
    by_asn = {transit.asn: transit for transit in nets}
    for site in inventory.site_names():
        upstreams = [up for _, up in sorted(inventory.estate.sites[site].upstreams.items())]
        found = next((by_asn[up.asn] for up in upstreams if up.asn in by_asn), None)
        if switched(inventory, site) and found is not None:
            for vlan in inventory.vlans(site):
                _stand(inventory, found, site, vlan)


def _stand(inventory: Inventory, transit: Transit, site: str, vlan: Vlan) -> None:
    segment, own = lan_segment(site, vlan), []
    for family in FAMILIES:
        own.append(f"{inventory.gateway(site, vlan, family)}/{vlan.network(family).prefixlen}")
    for i, leg in enumerate(transit.legs):
        if leg.segment == segment:
            transit.legs[i] = replace(leg, addresses=(*leg.addresses, *own))
            return
    number = inventory.estate.sites[site].id
    transit.legs.append(Leg(f"s{number}v{vlan.octet}", segment, tuple(own)))
