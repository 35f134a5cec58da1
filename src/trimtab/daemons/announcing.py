"""Who announces what, and when, whichever program says it: a host that announces by itself, its anchors, its sessions.

A host announces the prefixes of its site while it has its anchor, an address on `lo` that the hooks of its proxy set. While it is
drained another one stands there: then it announces them as the last way that anybody takes.
"""

from __future__ import annotations

from dataclasses import dataclass

from trimtab.estate import addressing
from trimtab.estate.addressing import FAMILIES, Family
from trimtab.estate.base import IPAddress
from trimtab.estate.community import Community
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import Session, by_itself, sessions, speaks

GRACEFUL_SHUTDOWN = (65535, 0)  # RFC 8326
DRAINED_PREPEND = 3  # for who does not know the community


def identifier(name: str) -> str:
    """A name as BIRD spells symbols: names have no `_`, so this stays unique."""
    return name.replace("-", "_")


def password_file(upstream: str) -> str:
    """Where the host keeps the session's `password "…";` line; its value is in no artifact."""
    return f"/etc/trimtab/secrets/bgp-{upstream}.conf"


def session_name(upstream: str, family: int) -> str:
    """What the session with an upstream is called."""
    return f"up_{identifier(upstream)}{family}"


@dataclass(frozen=True, slots=True)
class Telling:
    """One session and what is said in it. name: of the session.  path: our AS as often as it stands there."""

    name: str
    session: Session
    prefixes: tuple[str, ...]
    path: tuple[int, ...]
    med: int | None
    communities: tuple[Community, ...]


def speaker(inventory: Inventory, host: Host) -> str:
    """The program that speaks BGP on a host. A gateway needs one that has a table of routes, whatever proxies have."""
    alone = by_itself(inventory, host.site) and not host.does("gateway") and speaks(inventory, host)
    return inventory.estate.tiers.proxy.speaker if alone else inventory.estate.tiers.router.speaker


def has_routes(inventory: Inventory, host: Host) -> bool:
    """Does its speaker know what others announce, as BIRD does?"""
    return speaker(inventory, host) == inventory.estate.tiers.router.speaker


def anchors(inventory: Inventory, site: str, family: Family) -> tuple[IPAddress, IPAddress]:
    """By which a host says that it serves; and that it does, but is drained."""
    spare = addressing.spare_anchor(family, inventory.estate.sites[site].id, inventory.first)
    return inventory.anchor(site, family), spare


def tellings(inventory: Inventory, host: Host) -> list[Telling]:
    """What the host tells its upstreams while it has an anchor."""
    own = [each for each in sessions(inventory, host.site) if each.host.name == host.name]
    return [_telling(inventory, host, each) for each in own]


def _telling(inventory: Inventory, host: Host, session: Session) -> Telling:
    upstream, asn = session.declared, inventory.asn(host.site)
    family = next(each for each in FAMILIES if each == session.family)
    return Telling(
        session_name(session.upstream, session.family),
        session,
        tuple(str(prefix) for prefix in inventory.announced(host.site, family)),
        (asn,) * (1 + upstream.prepend),
        upstream.med,
        tuple(upstream.communities),
    )
