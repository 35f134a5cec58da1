"""BIRD 2: eBGP upstream, BGP between sites, and iBGP to the proxies whose anchor holds up the public prefixes.

Sources: RFC 4271 (BGP), RFC 5880/5882 (BFD), RFC 6890 (bogons), the BIRD 2.0 User's Guide chapters 5 and 6.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from trimtab import agent_config
from trimtab.daemons.announcing import DRAINED_PREPEND, GRACEFUL_SHUTDOWN, anchors, identifier
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.bird.blackhole import HOLES, files, hooks, takes_holes
from trimtab.daemons.bird.daemon import STEER_HOOK
from trimtab.daemons.bird.defence import REASONS, REFUSED, rpki
from trimtab.daemons.bird.features import features
from trimtab.daemons.bird.peerings import (
    BOGONS,
    estate_prefixes,
    guarded_prefixes,
    has_unnumbered,
    next_hops,
    own_prefixes,
    peerings,
    policy,
    stated_networks,
)
from trimtab.daemons.bird.shift_file import PATH as SHIFT
from trimtab.daemons.bird.shift_file import ShiftFile
from trimtab.daemons.bird.shift_file import text as shift_text
from trimtab.daemons.etcd.config import link_rtt
from trimtab.daemons.template import fill
from trimtab.estate.addressing import FAMILIES, Family
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import by_itself, joined
from trimtab.estate.special import within

CONFIG = "/etc/bird/bird.conf"
STEER, NO_STEER = agent_config.STEER, "/etc/bird/steer-none.conf"
NO_SHIFT = "/etc/bird/shift-none.conf"

DEFAULT: dict[Family, str] = {4: "0.0.0.0/0", 6: "::/0"}
# What never leaves by the default route when a private path is down (RFC 1918, RFC 4193).
UNROUTED: dict[Family, tuple[str, ...]] = {
    4: ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    6: ("fc00::/7",),
}
LONGEST: dict[Family, int] = {4: 24, 6: 48}
# Nobody is given more (IANA's registries): halves of everything would be a default route by another name.
SHORTEST: dict[Family, int] = {4: 8, 6: 12}
BITS: dict[Family, int] = {4: 32, 6: 128}


def render_router(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    families = [_router_family(inventory, host, family) for family in FAMILIES]
    text = fill(
        "bird/router.conf.j2",
        host=host,
        asn=inventory.asn(host.site) or 64512,
        families=families,
        upstreams=peerings(inventory, host),
        default=DEFAULT,
        policy=policy(inventory, host.site),
        gateway=host.does("gateway"),
        anchored=host.does("vips"),
        spare=by_itself(inventory, host.site),
        rpki=rpki(inventory, host.site),
        rtr=rtr_version(inventory, host),
        why=REASONS,
        refused=REFUSED,
        shutdown=GRACEFUL_SHUTDOWN,
        drained_prepend=DRAINED_PREPEND,
        steer=STEER,
        shift=SHIFT,
        holes=HOLES if takes_holes(inventory, host.site) else None,
        scan_s=int(inventory.estate.tiers.router.scan),
        **timers(inventory),
    )
    hook = fill(
        "bird/bird-steer.sh.j2",
        steer=STEER, neutral=NO_STEER, shift=SHIFT, no_shift=NO_SHIFT, more=hooks(inventory, host),
    )  # fmt: skip
    return (
        Artifact(CONFIG, text, validator="bird", take_up="reload", unit="bird.service"),
        Artifact(NO_STEER, fill("bird/steer-none.conf.j2")),
        Artifact(NO_SHIFT, shift_text(ShiftFile())),
        Artifact(STEER_HOOK, hook, mode=0o755, validator="sh"),
        *files(inventory, host),
    )


def render_proxy(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    families = [_proxy_family(inventory, host, family) for family in FAMILIES]
    text = fill(
        "bird/proxy.conf.j2",
        host=host,
        asn=inventory.asn(host.site) or 64512,
        families=families,
        **timers(inventory),
    )
    return (Artifact(CONFIG, text, validator="bird", take_up="reload", unit="bird.service"),)


def rtr_version(inventory: Inventory, host: Host) -> int:
    """What it is told to begin with; 0: nothing. ASPAs come with version 2 alone."""
    stated = inventory.estate.edge.rpki
    version = features(host.platform).rtr
    return 2 if version and stated is not None and stated.aspa else version


def timers(inventory: Inventory) -> dict[str, int]:
    """The estate's own BFD and hold timers, which its upstreams speak too; access networks the latter."""
    tier = inventory.estate.tiers.router
    return {
        "bfd_ms": round(tier.bfd.interval * 1000),
        "bfd_multiplier": tier.bfd.multiplier,
        "hold": int(tier.hold),
        "keepalive": max(1, int(tier.hold) // 3),
    }


def _common(inventory: Inventory, host: Host, family: Family) -> dict[str, Any]:
    return {"v": family, "bits": BITS[family], "anchor": inventory.anchor(host.site, family)}


def _proxy_family(inventory: Inventory, host: Host, family: Family) -> dict[str, Any]:
    routers = [
        {"number": r.number, "address": inventory.in_network(r, host.vlan, family)}
        for r in inventory.routers(host.site)
    ]
    return {**_common(inventory, host, family), "own_address": host.address(family), "routers": routers}


def _router_family(inventory: Inventory, host: Host, family: Family) -> dict[str, Any]:
    front = inventory.front(host.site)
    alone = by_itself(inventory, host.site)
    vips, lost = _on_link(inventory, host.site, family) if front and not alone else ([], [])
    return {
        **_common(inventory, host, family),
        "spare_anchor": anchors(inventory, host.site, family)[1],
        "source": host.address(family) if alone and has_unnumbered(inventory, host) else None,
        "vips": vips,
        "lost": lost,
        "front": front[0].vlan.interface if front else None,
        "front_address": inventory.in_network(host, front[0].vlan, family) if front else None,
        "announced": inventory.announced(host.site, family) if front else [],
        "own": inventory.public(host.site, family) if front else None,
        "own_address": host.address(family),
        "private": inventory.private(host.site, family),
        "default": DEFAULT[family],
        "next_hops": next_hops(inventory, host, family),
        "unrouted": UNROUTED[family],
        "elsewhere": _elsewhere(inventory, host.site, family),
        "longest": LONGEST[family],
        "shortest": SHORTEST[family],
        "bogons": BOGONS[family],
        "estate": estate_prefixes(inventory, host.site, family),
        "own_prefixes": own_prefixes(inventory, family),
        "guarded": guarded_prefixes(inventory, family),
        "lans": stated_networks(inventory, host.site, family),
        "sites": _other_sites(inventory, host, family),
        "siblings": [
            {"name": r.name, "number": r.number, "address": r.address(family)}
            for r in inventory.routers(host.site)
            if r.name != host.name and host.does("gateway")
        ],
        "proxies": [
            {"name": p.name, "number": p.number, "address": _anchor_peer(p, family)}
            for p in front
            if p.name != host.name and not alone
        ],
    }


def _anchor_peer(proxy: Host, family: Family) -> Any:
    """Where a proxy tells its anchor from: one that is a router too has a session with its siblings from its own address."""
    return proxy.vlan.host(family, proxy.number) if proxy.does("gateway") else proxy.address(family)


def _elsewhere(inventory: Inventory, site: str, family: Family) -> list[str]:
    """Networks that other sites state and that no range for private use has: without their path they are as unreachable."""
    private = [ip_network(each) for each in UNROUTED[family]]
    found = (
        vlan.network(family)
        for other in inventory.site_names()
        if other != site
        for vlan in inventory.vlans(other)
        if vlan.is_stated(family)
    )
    return [str(net) for net in found if not any(within(net, each) for each in private)]


def _on_link(inventory: Inventory, site: str, family: Family) -> tuple[list[Any], list[dict[str, Any]]]:
    """(VIPs of what is nobody else's, [{"prefix", "vips"}] of other sites' prefixes that an announced one covers).

    Another site's VIP is on-link only while its own prefix is gone: until then that leads to it.
    """
    announced = inventory.announced(site, family)
    vips = [vip for vip in inventory.vips(family) if any(vip in prefix for prefix in announced)]
    others = [
        prefix
        for other in inventory.site_names()
        if other != site
        and inventory.front(other)
        and (prefix := inventory.public(other, family)) is not None
        and prefix not in announced
    ]
    lost = [
        {"prefix": prefix, "vips": found}
        for prefix in others
        if (found := [vip for vip in vips if vip in prefix])
    ]
    theirs = {vip for each in lost for vip in each["vips"]}
    return [vip for vip in vips if vip not in theirs], lost


def _other_sites(inventory: Inventory, host: Host, family: Family) -> list[dict[str, Any]]:
    """Sessions over the private links; only the first router of a site has them."""
    if host.name not in [router.name for router in inventory.routers(host.site)[:1]]:
        return []
    others = joined(inventory, host.site)
    near = sorted(others, key=lambda other: (link_rtt(inventory, host.site, other), other))
    return [
        {**_other_site(inventory, host.site, other, family), "way_out": len(others) - near.index(other)}
        for other in others
    ]


def _other_site(inventory: Inventory, site: str, other: str, family: Family) -> dict[str, Any]:
    _, local, peer = inventory.path(family, site, other)
    accept = inventory.private(other, family)
    public = inventory.public(other, family)
    if public is not None and inventory.front(other):
        accept.append(str(public))
    return {
        "name": other,
        "id": identifier(other),
        "asn": inventory.asn(other) or 64512,
        "local": local,
        "peer": peer,
        "accept": accept,
    }
