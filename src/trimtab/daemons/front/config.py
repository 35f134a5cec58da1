"""The hooks of a proxy: its state as track files and anchor address, and the loopback watch for one that hangs."""

from __future__ import annotations

from collections.abc import Iterable

from trimtab.agent_config import MEMBERS, MEMBERS_COPY, SCALE
from trimtab.daemons.announcing import anchors
from trimtab.daemons.artifact import HOOKS, Artifact
from trimtab.daemons.front.daemon import MEMBERS_HOOK
from trimtab.daemons.template import fill
from trimtab.estate import addressing
from trimtab.estate.addressing import FAMILIES, PORTS
from trimtab.estate.base import IPAddress
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import apiece, by_itself, by_vrrp

# A hang costs at most EVERY + FALL x max(EVERY, TIMEOUT): 0.8 s.
EVERY_S, TIMEOUT_S, FALL = 0.2, 0.2, 3
MAX_WAIT_S = 30
RELOAD_S = 10  # a new generation has read its certificates by then; nginx tries to bind for 2.5 s


def settle_seconds(inventory: Inventory) -> float:
    """How long a new proxy has to be ready: every check of every pool has run once."""
    checks = [pool.check for pool in inventory.estate.pools.values()]
    return round(max((c.every for c in checks), default=0.0) + EVERY_S, 3)


def vrrp_seconds(inventory: Inventory, site: str | None = None) -> float:
    """How long the addresses take to be held after health is up: dead-master time and a margin of two adverts. Where VRRP has
    none nothing has to move. site: None for whichever takes longest.
    """
    asked = inventory.site_names() if site is None else [site]
    moving = any(by_vrrp(inventory, each) for each in asked)
    return 0.0 if not moving else round(6 * inventory.estate.vrrp.advert, 3)


def _state(inventory: Inventory, host: Host) -> str:
    """The hook that keeps the state. spares: where no VRRP follows it.  vips: of a host that announces by itself."""
    alone, both = not by_vrrp(inventory, host.site), [anchors(inventory, host.site, f) for f in FAMILIES]
    own, spares = [each[0] for each in both], [each[1] for each in both] if alone else []
    tells = by_itself(inventory, host.site)
    vips = [vip for f in FAMILIES for vip in inventory.vips(f)] if tells else []
    return fill(
        "front/front.sh.j2",
        alone=alone,
        tells=tells,
        anchors=_whole(own),
        spares=_whole(spares),
        vips=_whole(vips),
    )


def _whole(addresses: Iterable[IPAddress]) -> list[str]:
    return [f"{address}/{address.max_prefixlen}" for address in addresses]


def render(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    site_id = inventory.estate.sites[host.site].id
    watch = fill(
        "front/front-watch.py.j2",
        anchor4=inventory.anchor(host.site, 4),
        anchor6=inventory.anchor(host.site, 6).packed.hex(),
        spares=[
            addressing.spare_anchor(4, site_id, inventory.first),
            addressing.spare_anchor(6, site_id, inventory.first).packed.hex(),
        ]
        if not by_vrrp(inventory, host.site)
        else [],
        answers=(host.v4, PORTS["front-answer"]) if apiece(inventory, host.site) else None,
        engine=inventory.estate.tiers.proxy.engine,
        port=PORTS["front-health"],
        every=EVERY_S,
        timeout=TIMEOUT_S,
        fall=FALL,
        settle=settle_seconds(inventory),
        max_wait=MAX_WAIT_S,
        vrrp=vrrp_seconds(inventory, host.site),
        hold_down=inventory.estate.edge.hold_down,
    )
    return (
        Artifact(f"{HOOKS}/front", _state(inventory, host), mode=0o755, validator="sh"),
        Artifact(
            f"{HOOKS}/front-watch",
            watch,
            mode=0o755,
            validator="python",
            take_up="restart",
            unit="trimtab-front.service",
        ),
        Artifact(
            MEMBERS_HOOK,
            fill("front/proxy-members.py.j2", members=MEMBERS, copy=MEMBERS_COPY, scale=SCALE),
            mode=0o755,
            validator="python",
        ),
        Artifact(
            f"{HOOKS}/proxy-reload",
            fill("front/proxy-reload.py.j2", seconds=RELOAD_S),
            mode=0o755,
            validator="python",
        ),
    )
