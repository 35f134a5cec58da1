"""What becomes of one address of a site: whether its routers and its upstreams drop it, and whether packets to it still arrive."""

from __future__ import annotations

from typing import Any

from trimtab.answers.blackhole import BlackHoles
from trimtab.drills.load.spec import Target
from trimtab.drills.node_exec import ask_if_there, whatever_it_exits
from trimtab.drills.operator import run
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import BadInput, TrimtabError

COUNT_S = 1.5
# Frames to the address that come in by these interfaces, before anything in the kernel looks at where they go.
COUNT = """\
import ipaddress, select, socket, sys, time
address, names, ends = ipaddress.ip_address(sys.argv[1]), sys.argv[3:], time.monotonic() + float(sys.argv[2])
kind, at = (0x0800, slice(16, 20)) if address.version == 4 else (0x86DD, slice(24, 40))
came = 0
with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(kind)) as wire:
    while (left := ends - time.monotonic()) > 0:
        if not select.select([wire], [], [], left)[0]:
            break
        packet, where = wire.recvfrom(65535)
        came += where[2] != socket.PACKET_OUTGOING and where[0] in names and packet[at] == address.packed
print(came)
"""


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """address: the one that is meant.  ours: by router whether it drops it.  upstreams: by name, of those with its family, whether it
    drops it; drops: those that accept black holes.  arrives: by router how many packets came in a moment.  records: how each of
    its black holes stands, the newest first.  None where nobody gave an answer.
    """
    place, address = scene.site(site), address_of(scene, site).address
    interfaces = sorted({each for up in place.upstreams.values() for each in up.interfaces})
    able = [up for up in place.upstreams.values() if any((":" in p) == (":" in address) for p in up.peers)]
    return {
        "address": address,
        "ours": {router: dropped(lab, router, address) for router in place.speakers},
        "upstreams": {up.name: dropped(lab, up.transit, address) for up in able},
        "drops": [up.name for up in able if up.drops],
        "arrives": {router: _arrives(lab, router, address, interfaces) for router in place.speakers},
        "records": _records(lab, scene, address),
    }


def dropped(lab: LabLike, node: str, address: str) -> bool | None:
    """Does its kernel lead this host alone to nowhere? None: no answer."""
    family = "-6" if ":" in address else "-4"
    said = ask_if_there(lab, node, whatever_it_exits("ip", family, "route", "show", "match", address))
    return None if said is None else judge(said, address)


def judge(said: str, address: str) -> bool:
    """Of `ip route show match`."""
    return any(line.split()[:2] == ["blackhole", address] for line in said.splitlines())


def _arrives(lab: LabLike, router: str, address: str, interfaces: list[str]) -> int | None:
    said = ask_if_there(lab, router, ["python3", "-c", COUNT, address, str(COUNT_S), *interfaces])
    return int(said) if said is not None and said.strip().isdecimal() else None


def _records(lab: LabLike, scene: Scene, address: str) -> list[dict[str, Any]] | None:
    """None where the estate's store gives no answer."""
    for node in (site.registries[0] for site in scene.sites.values() if site.registries):
        try:
            reply = run(lab, node, scene.source, "blackhole", "--list", "--json").reply
        except TrimtabError:  # it has no power: the next one
            continue
        if isinstance(reply, BlackHoles):
            return [{"number": e.number, "state": e.state} for e in reply.holes if e.address == address]
    return None


def address_of(scene: Scene, site: str) -> Target:
    """One by which clients ask at the site: of a service that is not the ledger's, IPv4 first. Raises BadInput."""
    own = [t for r in scene.regions.values() if r.nearest == site for t in r.targets]
    everywhere = {t.address for r in scene.regions.values() if r.nearest != site for t in r.targets}
    host = scene.ledger.url.partition("://")[2] if scene.ledger else ""
    found = [t for t in own if t.address not in everywhere and t.host != host]
    if not found or len({t.address for t in own}) < 2:
        raise BadInput(
            f"{site} has no address of its own that clients can do without",
            "the drill needs a site with clients near it, and a second address or service there",
        )
    return min(found, key=lambda t: (t.family, t.service))
