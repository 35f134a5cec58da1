"""`trimtab show`: what is derived from the file: hosts, addresses, VIPs, numbers."""

from __future__ import annotations

from typing import Any

from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json
from trimtab.cli.output import print_json, print_line
from trimtab.daemons.load import load_estate
from trimtab.estate.addressing import FAMILIES
from trimtab.estate.inventory import Inventory


def show(estate: EstateFile = DEFAULT_ESTATE, json: Json = False) -> int:
    """Print every derived host, address, VIP and prefix of an estate."""
    inventory = Inventory(load_estate(estate))
    found = derived(inventory)
    if json:
        print_json(found)
        return 0
    for site in found["sites"]:
        print_line(
            f"{site['name']}  id {site['id']}  AS{site['asn']}  announces {', '.join(site['announces'])}"
        )
        for host in site["hosts"]:
            print_line(
                f"  {host['name']:<28} {host['ipv4']:<15} {host['ipv6']:<20} vlan {host['vlan']}  {', '.join(host['roles'])}"
            )
    for service in found["services"]:
        print_line(f"{service['name']}  {', '.join(service['names'])}")
        for site, addresses in service["vips"].items():
            print_line(f"  {site:<28} {', '.join(addresses)}")
    return 0


def derived(inventory: Inventory) -> dict[str, Any]:
    """The derived values as plain data."""
    return {
        "estate": inventory.estate.estate,
        "sites": [_site(inventory, name) for name in inventory.site_names()],
        "services": [_service(inventory, name) for name in sorted(inventory.estate.services)],
    }


def _site(inventory: Inventory, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "id": inventory.estate.sites[name].id,
        "asn": inventory.asn(name),
        "announces": [str(p) for f in FAMILIES for p in inventory.announced(name, f)],
        "hosts": [
            {"name": h.name, "ipv4": h.v4, "ipv6": h.v6, "vlan": h.vlan.id, "roles": list(h.roles)}
            for h in inventory.at(name)
        ],
    }


def _service(inventory: Inventory, name: str) -> dict[str, Any]:
    service = inventory.estate.services[name]
    per_family = [inventory.service_vips(service, f) for f in FAMILIES]
    vips = {s: [str(v[s]) for v in per_family if s in v] for s in inventory.site_names()}
    return {"name": name, "names": list(service.names), "vips": {s: v for s, v in vips.items() if v}}
