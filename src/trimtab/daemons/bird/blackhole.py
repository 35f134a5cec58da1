"""Black holes (RFC 7999) in a router's BIRD: the file that its agent writes, the one that stands for none, and who reads it first."""

from __future__ import annotations

from trimtab import agent_config
from trimtab.daemons.announcing import session_name
from trimtab.daemons.artifact import HOOKS, Artifact
from trimtab.daemons.template import fill
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import sessions

HOLES, NO_HOLES = agent_config.BLACKHOLES, "/etc/bird/blackhole-none.conf"
HOOK = f"{HOOKS}/bird-blackhole"


def takes_holes(inventory: Inventory, site: str) -> bool:
    """Does any upstream of the site accept black holes? All its routers drop then, whichever of them has the session."""
    return any(each.blackhole is not None for each in inventory.estate.sites[site].upstreams.values())


def accepting(inventory: Inventory, host: Host) -> dict[str, str]:
    """The host's sessions with upstreams that accept them: by name of the session, the upstream's."""
    return {
        session_name(each.upstream, each.family): each.upstream
        for each in sessions(inventory, host.site)
        if each.host.name == host.name and each.declared.blackhole is not None
    }


def files(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    if not takes_holes(inventory, host.site):
        return ()
    hook = fill("bird/bird-blackhole.sh.j2", holes=HOLES, neutral=NO_HOLES)
    return (
        Artifact(NO_HOLES, fill("bird/blackhole-none.conf.j2")),
        Artifact(HOOK, hook, mode=0o755, validator="sh"),
    )


def hooks(inventory: Inventory, host: Host) -> tuple[str, ...]:
    """What `bird-steer` begins."""
    return (HOOK,) if takes_holes(inventory, host.site) else ()
