"""Faults of the links to upstreams: addresses that cannot be, sessions that could never come up."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.estate import addressing
from trimtab.estate.base import IPAddress, IPInterface, IPNetwork
from trimtab.estate.fault import Loc
from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import apart, by_itself, link_networks, on_every_link, own_network, speakers
from trimtab.estate.prefix_faults import Problem, overlap
from trimtab.estate.upstream import Upstream


def uplink_faults(inventory: Inventory) -> Iterator[Problem]:
    """(where, message, hint) of every link to an upstream that cannot be."""
    taken: dict[str, Loc] = {}
    owners: dict[IPAddress, tuple[str, IPInterface]] = {}
    nets: list[tuple[IPNetwork, bool, str, Loc]] = []
    links: dict[tuple[str, str, IPAddress], str] = {}
    for site in inventory.site_names():
        for name, upstream in inventory.estate.sites[site].upstreams.items():
            at: Loc = ("sites", site, "upstreams", name)
            yield from _peers(upstream, at, taken)
            yield from _blackhole(inventory, site, upstream, at)
            yield from _same_link(inventory, site, upstream, at, links)
            yield from _marks(inventory, upstream, at)
            yield from _keepalive(inventory, upstream, at)
            if upstream.stated:
                yield from _stated(inventory, site, upstream, at, owners)
            else:
                for i, peer in enumerate(upstream.peer):
                    yield from _derived(inventory, site, peer, (*at, "peer", i))
            yield from _networks(inventory, upstream, site, at, nets)
    yield from _own_peers(inventory, owners)


def _keepalive(inventory: Inventory, upstream: Upstream, at: Loc) -> Iterator[Problem]:
    hold = inventory.estate.tiers.router.hold
    if upstream.keepalive is not None and upstream.hold is None and upstream.keepalive * 3 > hold:
        what = f"`keepalive` is at most a third of `hold`, which is {hold:g}s for all routers"
        yield (
            (*at, "keepalive"),
            what,
            "RFC 4271, 4.4: a `hold` of this session's own, or a shorter `keepalive`",
        )


def _blackhole(inventory: Inventory, site: str, upstream: Upstream, at: Loc) -> Iterator[Problem]:
    """Who is to tell it needs a table of routes, and the estate's own store to hear of it."""
    if upstream.blackhole is None:
        return
    if apart(inventory, site):
        hint = "leave `blackhole` out; a site with a router of its own can have it"
        yield (
            (*at, "blackhole"),
            f"{site} has no part in the estate's own store: nobody could ask for it",
            hint,
        )
    elif by_itself(inventory, site) and inventory.estate.tiers.proxy.speaker == "exabgp":
        hint = "leave `blackhole` out, or `tiers: {proxy: {speaker: bird}}`"
        yield (*at, "blackhole"), "ExaBGP has no table of routes: it announces no single hosts", hint


def _peers(upstream: Upstream, at: Loc, taken: dict[str, Loc]) -> Iterator[Problem]:
    for i, peer in enumerate(upstream.peer):
        loc: Loc = (*at, "peer", i)
        if (
            peer.is_loopback
            or peer.is_multicast
            or peer.is_unspecified
            or (peer.version == 4 and peer.is_reserved)
        ):
            yield loc, f"{peer} cannot be a peer", "the address of the upstream's router"
        elif peer.is_link_local and not upstream.stated:
            hint = "an address in the /29 (IPv6 /125) between you, or write ours: `local: [ADDRESS/LENGTH]`"
            yield loc, f"{peer} cannot be a peer where ours is counted from it", hint
        elif on_every_link(peer) and upstream.interface is None:
            hint = "name our interface towards it: `interface: eth1`"
            yield loc, f"{peer} is on every link: nobody could tell on which it is meant", hint
        if upstream.stated or on_every_link(peer):
            continue  # by host: `_same_link`
        if str(peer) in taken:
            yield loc, f"{peer} is a peer already", "each session has its own peer address"
        taken[str(peer)] = loc


def _same_link(
    inventory: Inventory, site: str, upstream: Upstream, at: Loc, links: dict[tuple[str, str, IPAddress], str]
) -> Iterator[Problem]:
    """A host has one neighbour at an address, whatever its AS number; at a link-local one on each of its interfaces."""
    hosts = upstream.sessions or [host.name for host in speakers(inventory, site)[:1]]
    for i, peer in enumerate(upstream.peer if upstream.stated else ()):
        for host in hosts:
            link = (upstream.interface or "") if on_every_link(peer) else ""
            other = links.setdefault((host, link, peer), str(at[-1]))
            if other != at[-1]:
                where = f"on {host}'s {link}" if link else f"of {host}"
                hint = (
                    "another neighbour is on another `interface`"
                    if link
                    else "each session has its own peer address"
                )
                yield (*at, "peer", i), f"{peer} {where} is {other}'s peer already", hint
                break


def _marks(inventory: Inventory, upstream: Upstream, at: Loc) -> Iterator[Problem]:
    """ASN:1:* and ASN:2:* of ours say where a route was learnt and why it is refused: whoever sets one, says that."""
    ours = {inventory.asn(site) for site in inventory.site_names()}
    for key, listed in (
        ("communities", upstream.communities),
        ("learned_communities", upstream.learned_communities),
    ):
        for i, each in enumerate(listed):
            if each.large and each.parts[0] in ours and each.parts[1] in (1, 2):
                what = f"{':'.join(map(str, each.parts))} is what routers mark routes with themselves"
                yield (*at, key, i), what, "a large community of ours with another number in the middle"


def _own_peers(inventory: Inventory, owners: dict[IPAddress, tuple[str, IPInterface]]) -> Iterator[Problem]:
    for site in inventory.site_names():
        for name, upstream in inventory.estate.sites[site].upstreams.items():
            own = {
                each.ip for stated in (*upstream.sessions.values(), upstream.local or ()) for each in stated
            }
            for i, peer in enumerate(upstream.peer):
                if peer in owners and peer not in own and not on_every_link(peer):
                    loc: Loc = ("sites", site, "upstreams", name, "peer", i)
                    yield loc, f"{peer} is {owners[peer][0]}'s own", "the address of the upstream's router"


def _stated(
    inventory: Inventory,
    site: str,
    upstream: Upstream,
    at: Loc,
    owners: dict[IPAddress, tuple[str, IPInterface]],
) -> Iterator[Problem]:
    hosts = [host.name for host in speakers(inventory, site)]
    if upstream.local is not None and len(hosts) > 1:
        example = ", ".join(f"{host}: [ADDRESS/LENGTH]" for host in hosts[:2])
        yield (
            (*at, "local"),
            f"one {_called(inventory, site)}'s addresses, {site} has {len(hosts)}",
            f"`sessions: {{{example}}}`",
        )
        return
    named = dict(upstream.sessions) if upstream.sessions else dict.fromkeys(hosts[:1], upstream.local or ())
    for host, own in named.items():
        where: Loc = (*at, "sessions", host) if upstream.sessions else (*at, "local")
        if host not in hosts:
            what = f"`{host}` is no {'host of ' + site + ' that holds the VIPs' if by_itself(inventory, site) else 'router of ' + site}"
            yield where, what, f"there are: {', '.join(hosts) or 'none'}"
            continue
        for i, local in enumerate(own):
            yield from _local(upstream, local, (*where, i))
            owner, other = owners.setdefault(local.ip, (host, local))
            if not on_every_link(local.ip) and (owner, other) != (host, local):
                what = f"{owner}'s" if owner != host else f"written as {other} elsewhere"
                yield (*where, i), f"{local.ip} is {what}", "an address belongs to one host, with one length"
    for i, peer in enumerate(upstream.peer):
        if not any(local.version == peer.version for own in named.values() for local in own):
            hint = f"add ours, IPv{peer.version}, with its length, or take the peer out"
            yield (*at, "peer", i), f"no address of ours could speak with {peer}", hint


def _local(upstream: Upstream, local: IPInterface, loc: Loc) -> Iterator[Problem]:
    peer = upstream.peer_of(local.version)
    if peer is None:
        yield loc, f"there is no IPv{local.version} address in `peer`", "add it, or take ours out"
        return
    if local.ip == peer:
        yield loc, f"{local.ip} is the peer's", "ours is another one"
    elif _is_no_hosts(local.ip, local):
        yield loc, f"{local.ip} is no host's in {local.network}", "the address that our router has there"
    elif _is_no_hosts(peer, local):
        yield loc, f"the peer {peer} is no host's in {local.network}", "the address of the upstream's router"
    via = upstream.via_of(local.version)
    if peer in local.network:
        return
    if upstream.multihop is None:
        hint = "the address in the network between you, or `multihop: 2` for a peer further away"
        yield loc, f"{peer} is not in {local.network}", hint
    elif via is None:
        hint = "our next hop in " + str(local.network) + ": `via: [ADDRESS]`"
        yield loc, f"nothing leads to {peer}, which is not in {local.network}", hint
    elif via == local.ip:
        yield loc, f"the next hop {via} is our own", "whoever passes it on to the peer"
    elif via not in local.network:
        yield loc, f"the next hop {via} is not in {local.network}", "it has to be next door"


def _is_no_hosts(address: IPAddress, local: IPInterface) -> bool:
    net = local.network
    return net.version == 4 and net.prefixlen < 31 and address in (net.network_address, net.broadcast_address)


def _derived(inventory: Inventory, site: str, peer: IPAddress, loc: Loc) -> Iterator[Problem]:
    net, hosts = addressing.uplink_network(peer), speakers(inventory, site)
    routers = max((host.number for host in hosts), default=0)
    if peer.is_loopback or peer.is_multicast or peer.is_unspecified or peer.is_link_local:
        return
    if by_itself(inventory, site) and hosts and own_network(hosts[0], peer) is not None:
        yield from _switch(inventory, site, peer, loc)
        return
    last = int(peer) - int(net.network_address) + routers
    if int(peer) == int(net.network_address) or last >= net.num_addresses - (1 if peer.version == 4 else 0):
        yield (
            loc,
            f"{routers} {_called(inventory, site)}s do not fit behind {peer} in {net}",
            f"{_called(inventory, site)} N has peer + N, inside the same /29 (IPv6 /125); any other address of ours: "
            "`local: [ADDRESS/LENGTH]`",
        )


def _switch(inventory: Inventory, site: str, peer: IPAddress, loc: Loc) -> Iterator[Problem]:
    """A peer in the hosts' own network has none of their addresses: .1 to .9 are the switches'."""
    if any(
        str(peer) == host.address(own[0]) for host in inventory.at(site) if (own := own_network(host, peer))
    ):
        yield loc, f"{peer} is a host's", "the address of the top-of-rack switch; .1 to .9 are nobody else's"


def _called(inventory: Inventory, site: str) -> str:
    return "host" if by_itself(inventory, site) else "router"


def _networks(
    inventory: Inventory, upstream: Upstream, site: str, at: Loc, nets: list[tuple[IPNetwork, bool, str, Loc]]
) -> Iterator[Problem]:
    """A LAN may be shared by all who state it; a derived network is one upstream's, and nothing overlaps by half."""
    for net in link_networks(inventory, site, upstream):
        if on_every_link(net):
            continue
        for other, stated, owner, _ in nets:
            if not overlap(net, other) or (net == other and stated and upstream.stated):
                continue
            i = next((i for i, peer in enumerate(upstream.peer) if peer.version == net.version), 0)
            if net == other:
                hint = "a /29 (IPv6 /125) for each upstream of each site"
                yield (*at, "peer", i), f"{net} is in use by {owner}'s upstream too", hint
            else:
                yield (
                    (*at, "peer", i),
                    f"{net} overlaps {other}, {owner}'s link",
                    "one of the lengths is wrong"
                    if upstream.stated
                    else "its length is assumed where ours is not written: `local: [ADDRESS/LENGTH]`",
                )
            break
        nets.append((net, upstream.stated, site, at))
