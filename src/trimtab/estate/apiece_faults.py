"""Faults of sites where each proxy has a public address of its own: what needs a layer 2 or BGP there, and addresses that are missing."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.estate.addressing import FAMILIES
from trimtab.estate.base import IPAddress
from trimtab.estate.fault import Loc
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.lans import family
from trimtab.estate.peering import apiece
from trimtab.estate.prefix_faults import Problem
from trimtab.estate.reached import public_addresses, public_of

# Keys of a site that nothing there would honour, and why.
NOBODY = {
    "upstreams": "nobody speaks BGP there: the addresses are the cloud's to announce",
    "public": "it is for prefixes that we announce: each proxy's address stands at its machine, `public: [ADDRESS]`",
}


def apiece_faults(inventory: Inventory) -> Iterator[Problem]:
    """(where, message, hint) of everything that `front: none` rules out, or asks for."""
    owners: dict[IPAddress, str] = {}
    for site in inventory.site_names():
        if apiece(inventory, site):
            yield from _refused(inventory, site)
            yield from _lacking(inventory, site)
        yield from _machines(inventory, site, owners)
    yield from _vrrp(inventory)


def _refused(inventory: Inventory, site: str) -> Iterator[Problem]:
    declared, roles = inventory.estate.sites[site], inventory.estate.roles
    for key, why in NOBODY.items():
        if getattr(declared, key):
            yield ("sites", site, key), f"`front: none`, and `{key}`", why
    for group in dict.fromkeys(host.group for host in inventory.routers(site)):
        both = "vips" in roles.duties(inventory.in_group(site, group)[0].roles)
        hint = "take it out: the gateway is the cloud's own" + (
            ", and the proxies need `proxy` alone" if both else ""
        )
        yield ("sites", site, "hosts", group), f"`front: none`, and `{group}` is a router", hint


def _lacking(inventory: Inventory, site: str) -> Iterator[Problem]:
    """Each proxy has an address of each family that any of them has: who asks by the other would find some of them alone."""
    front = inventory.front(site)
    families = [f for f in FAMILIES if public_addresses(inventory, site, f)]
    for host in front:
        missing = [f for f in families or FAMILIES[:1] if public_of(inventory, host, f) is None]
        at = _line(inventory, host)
        entry = "public: [ADDRESS]" if at[2] == "machines" else f"machines: {{{host.name}: {_entry(host)}}}"
        if missing and not families:
            hint = f"`{entry}`; where nobody translates, its own one once more"
            yield at, f"{host.name} has no public address, and `front: none` has no other", hint
        elif missing:
            names = " and ".join(f"IPv{f}" for f in missing)
            yield (
                at,
                f"{host.name} has no public {names} address, as other proxies of {site} have",
                f"`{entry}`",
            )


def _entry(host: Host) -> str:
    return f"{{group: {host.group}, number: {host.number}, public: [ADDRESS]}}"


def _line(inventory: Inventory, host: Host) -> Loc:
    if host.name in inventory.estate.sites[host.site].machines:
        return ("sites", host.site, "machines", host.name)
    return ("sites", host.site, "hosts", host.group)


def _machines(inventory: Inventory, site: str, owners: dict[IPAddress, str]) -> Iterator[Problem]:
    """What is stated: of proxies at such a site alone, each address one machine's, none that the estate has elsewhere."""
    for name, machine in inventory.estate.sites[site].machines.items():
        at: Loc = ("sites", site, "machines", name, "public")
        host = inventory.by_name.get(name)
        if machine.public and (not apiece(inventory, site) or (host is not None and not host.does("vips"))):
            yield (
                at,
                f"{name} is no proxy of a site with `front: none`",
                "nothing reads it there: take it out",
            )
            continue
        for i, address in enumerate(machine.public):
            owner = owners.setdefault(address, name)
            if owner != name:
                yield (*at, i), f"{address} is {owner}'s too", "each proxy has its own"
            yield from _elsewhere(inventory, name, address, (*at, i))


def _elsewhere(inventory: Inventory, name: str, address: IPAddress, loc: Loc) -> Iterator[Problem]:
    version = family(address)
    other = next((h for h in inventory.hosts if h.address(version) == str(address) and h.name != name), None)
    if other is not None:
        yield loc, f"{address} is {other.name}'s own", "the address that is translated to this one's"
    if (owner := inventory.owner(address)) is not None:
        yield loc, f"{address} lies in {owner}'s public prefix", "what leads there does not lead here"
    elif any(address in prefix for prefix in inventory.anycast(version)):
        yield loc, f"{address} lies in an anycast prefix", "what leads there leads to any site"


def _vrrp(inventory: Inventory) -> Iterator[Problem]:
    """Its keys are the estate's: they are refused where no site has any."""
    estate = inventory.estate
    if "vrrp" in estate.model_fields_set and all(apiece(inventory, site) for site in inventory.site_names()):
        why = "clouds pass no VRRP (multicast is dropped, and an address belongs to one interface)"
        yield ("vrrp",), f"`front: none` at every site: {why}", "take `vrrp` out"
