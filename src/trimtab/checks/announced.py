"""What each site tells its upstreams, with who hears it: several rules judge it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trimtab.estate.addressing import FAMILIES
from trimtab.estate.base import IPNetwork
from trimtab.estate.fault import Loc
from trimtab.estate.inventory import Inventory
from trimtab.estate.special import Block, block_of, is_example_as, is_private_as


@dataclass(frozen=True, slots=True)
class Announcement:
    """loc: where the prefix is written, or the site that states none.  upstreams: the ASes that hear it.
    origins: the ASes of ours that announce it.
    """

    loc: Loc
    prefix: IPNetwork
    block: Block | None
    upstreams: frozenset[int]
    origins: frozenset[int] = frozenset()


def is_real_as(asn: int) -> bool:
    """Neither for documentation nor for private use."""
    return not is_example_as(asn) and not is_private_as(asn)


def announcements(inventory: Inventory) -> Iterator[Announcement]:
    """Of the sites' own prefixes and of the anycast ones, each where it is written."""
    serving = [site for site in inventory.site_names() if inventory.front(site)]
    for family in FAMILIES:
        heard = {site: _upstreams(inventory, site, family) for site in serving}
        for site in serving:
            prefix = inventory.public(site, family)
            if prefix is not None:
                yield Announcement(
                    _own(inventory, site, prefix),
                    prefix,
                    block_of(prefix),
                    heard[site],
                    frozenset({inventory.asn(site)}),
                )
        everybody = frozenset(asn for each in heard.values() for asn in each)
        origins = frozenset(inventory.asn(site) for site in serving if inventory.carries(site, family))
        for prefix in inventory.anycast(family):
            loc: Loc = ("edge", "anycast", "prefixes", _index(inventory, prefix))
            yield Announcement(loc, prefix, block_of(prefix), everybody, origins)


def _upstreams(inventory: Inventory, site: str, family: int) -> frozenset[int]:
    found = inventory.estate.sites[site].upstreams.values()
    return frozenset(up.asn for up in found if up.carries(family))


def _own(inventory: Inventory, site: str, prefix: IPNetwork) -> Loc:
    stated = inventory.estate.sites[site].public
    return ("sites", site, "public", stated.index(prefix)) if prefix in stated else ("sites", site)


def _index(inventory: Inventory, prefix: IPNetwork) -> int:
    found = inventory.estate.edge.anycast
    return found.prefixes.index(prefix) if found else 0
