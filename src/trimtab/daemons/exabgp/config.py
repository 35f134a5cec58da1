"""ExaBGP: the sessions of a host that announces by itself, and the program that tells it what to announce.

Sources: exabgp.conf(5) of 4.2.21, ExaBGP's wiki on its API, RFC 4271, RFC 8326.
"""

from __future__ import annotations

import json
from typing import Any

from trimtab import agent_config
from trimtab.daemons.announcing import (
    DRAINED_PREPEND,
    GRACEFUL_SHUTDOWN,
    Telling,
    anchors,
    password_file,
    tellings,
)
from trimtab.daemons.artifact import HOOKS, Artifact
from trimtab.daemons.bird.shift_file import PATH as SHIFT
from trimtab.daemons.exabgp.daemon import RUN_HOOK
from trimtab.daemons.template import fill
from trimtab.estate.addressing import FAMILIES
from trimtab.estate.inventory import Host, Inventory

CONFIG = "/etc/exabgp/exabgp.conf"
PLAN = "/etc/exabgp/announce.json"
USED = "/run/exabgp/exabgp.conf"  # with the passwords, which are in no file of ours
TOLD = "/run/exabgp/announced.json"
ANNOUNCE_HOOK = f"{HOOKS}/announce"
UNIT = "exabgp.service"


def render(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    told = tellings(inventory, host)
    text = fill(
        "exabgp/exabgp.conf.j2",
        host=host,
        asn=inventory.asn(host.site),
        hook=ANNOUNCE_HOOK,
        neighbors=[_neighbor(inventory, each) for each in told],
    )
    program = fill(
        "exabgp/announce.py.j2",
        plan=PLAN,
        told=TOLD,
        steer=agent_config.STEER,
        shift=SHIFT,
        shutdown=list(GRACEFUL_SHUTDOWN),
        prepend=DRAINED_PREPEND,
    )
    run = fill("exabgp/exabgp-run.sh.j2", config=CONFIG, used=USED)
    plan = json.dumps(_plan(inventory, host, told), indent=1) + "\n"
    return (
        Artifact(CONFIG, text, validator="exabgp", take_up="reload", unit=UNIT),
        Artifact(PLAN, plan, validator="json"),  # it is read anew by itself
        Artifact(ANNOUNCE_HOOK, program, mode=0o755, validator="python", take_up="restart", unit=UNIT),
        Artifact(RUN_HOOK, run, mode=0o755, validator="sh"),
    )


def _neighbor(inventory: Inventory, telling: Telling) -> dict[str, Any]:
    session, upstream = telling.session, telling.session.declared
    return {
        "peer": session.peer,
        "local": session.local.ip,
        "asn": upstream.asn,
        "hold": int(upstream.hold or inventory.estate.tiers.router.hold),
        "family": session.family,
        "hops": upstream.multihop,
        "near": upstream.ttl_security,
        "password": password_file(session.upstream) if upstream.password else None,
    }


def _plan(inventory: Inventory, host: Host, told: list[Telling]) -> dict[str, Any]:
    """As the program reads it. anchors: those of one that serves, those of one that is drained."""
    return {
        "anchors": {str(f): list(map(str, anchors(inventory, host.site, f))) for f in FAMILIES},
        "sessions": [
            {
                "name": each.name,
                "upstream": each.session.upstream,
                "peer": str(each.session.peer),
                "family": each.session.family,
                "prefixes": list(each.prefixes),
                "path": list(each.path),
                "med": each.med,
                "communities": [list(c.parts) for c in each.communities if not c.large],
                "large": [list(c.parts) for c in each.communities if c.large],
            }
            for each in told
        ],
    }
