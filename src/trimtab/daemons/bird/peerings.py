"""What BIRD is told of other networks: one value a session, and the policy that all of a site's sessions share.

Sources: RFC 7454 (BGP operations and security), RFC 9234 (roles), RFC 8212 (nothing without a policy), RFC 6890 (bogons),
RFC 7607, 6793, 5398, 6996, 7300 (AS numbers that no path has), the NLNOG BGP filter guide (who is behind nobody).
"""

from __future__ import annotations

from typing import Any

from trimtab.daemons.announcing import password_file, session_name
from trimtab.estate.addressing import FAMILIES, Family
from trimtab.estate.base import IPNetwork
from trimtab.estate.community import WELL_KNOWN, Community
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import Session, apiece, link_networks, on_every_link, sessions
from trimtab.estate.quantity import Timer
from trimtab.estate.special import EXAMPLE_AS, PRIVATE_AS, RESERVED_AS, UNASSIGNED_AS, block_of
from trimtab.estate.upstream import ROLES, RoleName, Upstream

# Special-purpose space (RFC 6890, RFC 5737, RFC 2544, RFC 3849, RFC 6598) and multicast.
BOGONS: dict[Family, tuple[str, ...]] = {
    4: (
        "0.0.0.0/8+", "10.0.0.0/8+", "100.64.0.0/10+", "127.0.0.0/8+", "169.254.0.0/16+", "172.16.0.0/12+",
        "192.0.0.0/24+", "192.0.2.0/24+", "192.168.0.0/16+", "198.18.0.0/15+", "198.51.100.0/24+", "203.0.113.0/24+",
        "192.88.99.0/24+", "224.0.0.0/3+",
    ),
    # all that is given out lies in 2000::/3 (RFC 4291)
    6: ("::/3+", "2001:2::/48+", "2001:db8::/32+", "2002::/16+", "3fff::/20+", "4000::/2+", "8000::/1+"),
}  # fmt: skip
# Networks that buy from nobody: a peer, an exchange or a customer that tells us what it has from one of them leaks.
TRANSIT_FREE = (
    174, 701, 1299, 2914, 3257, 3320, 3356, 3491, 4134, 5511, 6453, 6461, 6762, 6830, 7018,
)  # fmt: skip
# Where a route was learnt, as a large community of our own (RFC 8195, 2.1): ASN:1:KIND. It never leaves the estate.
LEARNED: dict[RoleName, int] = {"transit": 1, "peer": 2, "route-server": 3, "customer": 4}


def peerings(inventory: Inventory, host: Host) -> list[dict[str, Any]]:
    """The host's sessions with upstreams."""
    return [_peering(inventory, s) for s in sessions(inventory, host.site) if s.host.name == host.name]


def _peering(inventory: Inventory, session: Session) -> dict[str, Any]:
    upstream, tier = session.declared, inventory.estate.tiers.router
    hold = int(upstream.hold or tier.hold)
    return {
        "name": session.upstream,
        "id": session_name(session.upstream, session.family),
        "asn": upstream.asn,
        "role": upstream.role,
        "local_role": ROLES[upstream.role].local,
        "peer": session.peer,
        "local": session.local.ip,
        "interface": upstream.interface if on_every_link(session.peer) else None,
        "multihop": upstream.multihop,
        "ttl_security": upstream.ttl_security,
        "bfd": bfd_line(upstream.bfd),
        "hold": hold,
        "keepalive": int(upstream.keepalive or max(1, hold // 3)),
        "helps_restart": upstream.helps_restart,
        "password": password_file(session.upstream) if upstream.password else None,
        "channels": session.families,
        "limit": {family: upstream.limit(family) for family in FAMILIES},
        "taken": upstream.taken,
        "only": {f: [each for each in upstream.listed if each.net.version == f] for f in FAMILIES},
        "pref": upstream.local_preference,
        "learned": LEARNED[upstream.role],
        "marks": [_added(each) for each in upstream.learned_communities],
        "prepend": upstream.prepend,
        "med": upstream.med,
        "communities": [_added(each) for each in upstream.communities],
        "blackhole": black_holed(upstream),
    }


def black_holed(upstream: Upstream) -> list[str]:
    """What a black-holed host is told with (RFC 7999, 3.2: it goes no further); nothing where it is told to nobody."""
    if upstream.blackhole is None:
        return []
    own = [] if upstream.blackhole.parts == WELL_KNOWN["blackhole"] else [upstream.blackhole]
    asked = (Community(WELL_KNOWN["blackhole"]), Community(WELL_KNOWN["no-export"]), *own)
    return [_added(each) for each in asked]


def bfd_line(stated: bool | Timer) -> str:
    """As BIRD writes it in a session; empty without."""
    if isinstance(stated, bool):
        return "bfd on;" if stated else ""
    each = round(stated.interval * 1000)
    return f"bfd {{ min rx interval {each} ms; min tx interval {each} ms; multiplier {stated.multiplier}; }};"


def _added(community: Community) -> str:
    """The statement that adds one to a route."""
    kind = "bgp_large_community" if community.large else "bgp_community"
    return f"{kind}.add(({', '.join(map(str, community.parts))}));"


def policy(inventory: Inventory, site: str) -> dict[str, Any]:
    """What the filters of all sessions of a site share.

    ours: the estate's own AS numbers, from which alone its prefixes may come.  transits: whose AS in a path from somebody
    else than a transit is a leak.  strange: ranges of AS numbers that no path has, without those that the estate speaks with.
    """
    upstreams = inventory.estate.sites[site].upstreams.values()
    ours = sorted(
        {inventory.asn(each) or 64512 for each in inventory.site_names() if not apiece(inventory, each)}
    )
    spoken = {u.asn for s in inventory.estate.sites.values() for u in s.upstreams.values()} | set(ours)
    transits = {u.asn for u in upstreams if u.role == "transit"} | set(TRANSIT_FREE)
    return {
        "ours": ours,
        "transits": sorted(transits - {u.asn for u in upstreams if u.role != "transit"}),
        "strange": [f"{r[0]}..{r[-1]}" if len(r) > 1 else str(r[0]) for r in _strange(spoken)],
        "customers": any(u.role == "customer" for u in upstreams),
        "multihop_bfd": any(u.multihop and u.bfd for u in upstreams),
    }


def _strange(spoken: set[int]) -> list[range]:
    """Every range of AS numbers that cannot be in a path, cut at those that the estate speaks with."""
    ranges = [*EXAMPLE_AS, *PRIVATE_AS, UNASSIGNED_AS, *(range(asn, asn + 1) for asn in RESERVED_AS)]
    found = []
    for whole in sorted(ranges, key=lambda r: r[0]):
        start = whole[0]
        for asn in sorted(a for a in spoken if a in whole):
            found.append(range(start, asn))
            start = asn + 1
        found.append(range(start, whole[-1] + 1))
    return [r for r in found if r]


def estate_prefixes(inventory: Inventory, site: str, family: Family) -> list[str]:
    """What is no bogon here: the estate's own prefixes and the networks that this site's upstreams give, exactly."""
    own = {
        p
        for s in inventory.site_names()
        if (p := inventory.public(s, family)) is not None and inventory.front(s)
    }
    own |= set(inventory.anycast(family))
    for upstream in inventory.estate.sites[site].upstreams.values():
        if not upstream.stated:
            own |= {net for net in link_networks(inventory, site, upstream) if net.version == family}
    return _sorted(own)


def own_prefixes(inventory: Inventory, family: Family) -> list[str]:
    """What only we announce: the sites' prefixes and the anycast ones."""
    found = {p for s in inventory.site_names() if (p := inventory.public(s, family)) is not None}
    return _sorted(found | set(inventory.anycast(family)))


def guarded_prefixes(inventory: Inventory, family: Family) -> list[str]:
    """What nobody else may tell us: these, and the networks of all sites that are stated and not in a range for private use, which
    the bogons have. A part of one would win over the network itself.
    """
    stated = (
        vlan.network(family)
        for site in inventory.site_names()
        for vlan in inventory.vlans(site)
        if vlan.is_stated(family)
    )
    found = {str(net) for net in stated if block_of(net) is None}
    return [*own_prefixes(inventory, family), *sorted(found - set(own_prefixes(inventory, family)))]


def stated_networks(inventory: Inventory, site: str, family: Family) -> list[str]:
    """Networks that we stand in ourselves: nobody tells us a way to them, least of all to a part of an exchange's LAN."""
    upstreams = [u for u in inventory.estate.sites[site].upstreams.values() if u.stated]
    found = {net for u in upstreams for net in link_networks(inventory, site, u) if net.version == family}
    return _sorted({net for net in found if not on_every_link(net)})


def has_unnumbered(inventory: Inventory, host: Host) -> bool:
    """Has it a session over a link on which it has link-local addresses alone?"""
    own = (s for s in sessions(inventory, host.site) if s.host.name == host.name)
    return any(on_every_link(session.local.ip) for session in own)


def next_hops(inventory: Inventory, host: Host, family: Family) -> list[dict[str, Any]]:
    """The way to each peer that is not next door; out: it is the way out too, for nothing is accepted from that peer."""
    found = {}
    for session in sessions(inventory, host.site):
        via = session.declared.via_of(family)
        if session.host.name == host.name and session.family == family and via is not None:
            out = session.declared.taken == "none"
            found[str(session.peer)] = {"peer": session.peer, "via": via, "out": out}
    return [found[peer] for peer in sorted(found)]


def _sorted(prefixes: set[IPNetwork]) -> list[str]:
    return [str(p) for p in sorted(prefixes, key=lambda p: (int(p.network_address), p.prefixlen))]
