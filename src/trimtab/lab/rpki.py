"""RPKI in the twin: StayRTR at the address of each validator, with the ROAs that the estate states and those of the networks
around it; and prefixes of somebody else, for those who announce what is not theirs.

A validator stands on the estate's host that has its address, else in the network of a site that contains it, else on every
transit: there each router reaches its nearest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from trimtab.checks.announced import announcements
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.bird.defence import REFUSED, rpki
from trimtab.daemons.probe import ReadyCheck
from trimtab.daemons.unit import unit
from trimtab.errors import BadInput
from trimtab.estate.base import IPNetwork
from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import sessions
from trimtab.estate.roa import Vrp, as_json, read_roas
from trimtab.estate.rpki import Endpoint
from trimtab.lab import ranges
from trimtab.lab.ranges import Ranges
from trimtab.lab.topology import Leg, Node
from trimtab.lab.uplinks import lan_segment

UNIT = "stayrtr.service"
FILE = "/etc/stayrtr/roas.json"
STRANGER_AS = 419_999  # nobody has it, and no filter takes it for a number that nobody can have
FORWARDS = ("net.ipv4.ip_forward", "1")
# Of a transit's kernel: what it tells its customers beside what is its own to tell (transit.conf.j2).
TABLE = 666


def stated(inventory: Inventory, source: str) -> list[Vrp]:
    """The ROAs of the estate's prefixes: of its file, or as they should be. Raises BadInput for a file that cannot be read."""
    own = list(announcements(inventory))
    found = inventory.estate.edge.rpki
    if found is None or found.roas is None or not source:
        return [Vrp(each.prefix, each.prefix.prefixlen, asn) for each in own for asn in sorted(each.origins)]
    path = Path(source).parent / found.roas
    try:
        kept = read_roas(path.read_text(encoding="utf-8"), [each.prefix for each in own])
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {error}", "`edge.rpki.roas` names it") from error
    return [vrp for each in kept.by_prefix.values() for vrp in each]


def foreign(inventory: Inventory, chosen: Ranges) -> tuple[IPNetwork, ...]:
    """Prefixes whose ROAs name nobody in the twin; none where nobody asks for ROAs."""
    asked = inventory.estate.edge.rpki
    return ranges.foreign(inventory, chosen) if asked and asked.validators else ()


def serving(
    inventory: Inventory, nodes: Sequence[Node], foreign: Sequence[IPNetwork], source: str
) -> list[Node]:
    """The nodes with every validator at its place, and those that are only one."""
    asked = inventory.estate.edge.rpki
    if asked is None or not asked.validators:
        return list(nodes)
    text = as_json([*stated(inventory, source), *(Vrp(p, p.prefixlen, STRANGER_AS) for p in foreign)])
    found = {node.name: node for node in nodes}
    for number, endpoint in enumerate(asked.validators, 1):
        for node in _places(inventory, found, endpoint, number):
            found[node.name] = _with(node, endpoint, number, text)
    return list(found.values())


def _places(inventory: Inventory, nodes: dict[str, Node], endpoint: Endpoint, number: int) -> Iterator[Node]:
    address = endpoint.address
    family = 4 if address.version == 4 else 6
    for host in inventory.hosts:
        if host.address(4 if family == 4 else 6) == str(address):
            yield nodes[host.name]
            return
    for site in inventory.site_names():
        for vlan in inventory.vlans(site):
            net = vlan.network(4 if family == 4 else 6)
            if address in net:
                gateway = inventory.gateway(site, vlan, 4 if family == 4 else 6)
                leg = Leg("eth0", lan_segment(site, vlan), (f"{address}/{net.prefixlen}",))
                route = f"{'-6 ' if family == 6 else ''}default via {gateway}"
                yield Node(name=f"validator-{number}", kind="transit", legs=(leg,), routes=(route,))
                return
    for node in [n for n in nodes.values() if n.kind == "transit" and FORWARDS in n.sysctls]:
        yield replace(
            node, loopback=tuple(dict.fromkeys((*node.loopback, f"{address}/{address.max_prefixlen}")))
        )


def _with(node: Node, endpoint: Endpoint, number: int, text: str) -> Node:
    """StayRTR reads its file anew each second, and forgets nothing by itself."""
    name = UNIT if UNIT not in node.units else f"stayrtr-{number}.service"
    lines = [
        "Type=exec",
        f"ExecStart=/usr/bin/stayrtr -bind {endpoint} -cache {FILE} -checktime=false -metrics.addr= -refresh 1 -loglevel warning",
    ]
    brought = unit(name, "network-online.target", lines, "StayRTR, a validator of the twin")
    return replace(node, files=(*node.files, Artifact(FILE, text), brought), units=(*node.units, name))


def facts(inventory: Inventory, nodes: Sequence[Node], foreign: Sequence[IPNetwork]) -> dict[str, Any] | None:
    """What drills need: who runs the validators, and whose prefixes may be announced by nobody else."""
    if not (found := [node for node in nodes if UNIT in node.units]):
        return None
    return {
        "nodes": [node.name for node in found],
        "units": {node.name: [u for u in node.units if u.startswith("stayrtr")] for node in found},
        "file": FILE,
        "foreign": [str(prefix) for prefix in foreign],
        "table": TABLE,
        "mark": REFUSED,
    }


def checks(inventory: Inventory) -> list[ReadyCheck]:
    """Every router that refuses by ROAs has its validators."""
    found = []
    for site in inventory.site_names():
        told = rpki(inventory, site)
        for host in dict.fromkeys(s.host.name for s in sessions(inventory, site)) if told else ():
            names = tuple(f"validator_{i + 1}" for i in range(len(told["validators"]))) if told else ()
            found.append(ReadyCheck("rpki", f"{host}: {len(names)} RPKI validators", (host,), names))
    return found
