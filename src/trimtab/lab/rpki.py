"""RPKI in the twin: StayRTR at the address of each validator, with the ROAs that the estate states and those of the networks
around it; and prefixes of somebody else, for those who announce what is not theirs. Where paths are judged too, a cache of the
twin's own stands there, for StayRTR knows no ASPA.

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
from trimtab.estate.roa import Roas, Vrp, as_json, read_roas
from trimtab.estate.rpki import Endpoint
from trimtab.lab import ranges, rtr_cache
from trimtab.lab.ranges import Ranges
from trimtab.lab.topology import Leg, Node
from trimtab.lab.uplinks import lan_segment

UNIT = "stayrtr.service"
FILE = "/etc/stayrtr/roas.json"
CACHE = "/usr/local/lib/trimtab/rtr_cache.py"
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
    return [vrp for each in _file(inventory, source).by_prefix.values() for vrp in each]


def _file(inventory: Inventory, source: str) -> Roas:
    """Raises BadInput."""
    told = inventory.estate.edge.rpki
    assert told is not None and told.roas is not None
    path = Path(source).parent / told.roas
    try:
        return read_roas(path.read_text(encoding="utf-8"), [each.prefix for each in announcements(inventory)])
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {error}", "`edge.rpki.roas` names it") from error


def aspas(inventory: Inventory, source: str) -> list[dict[str, Any]]:
    """Of the estate's AS numbers: those of its file, else as they should be, every transit of the sites that have it. Raises BadInput."""
    own: dict[int, set[int]] = {}
    for site in inventory.site_names():
        found = own.setdefault(inventory.asn(site), set())
        found |= {u.asn for u in inventory.estate.sites[site].upstreams.values() if u.role == "transit"}
    told = inventory.estate.edge.rpki
    kept = _file(inventory, source).aspas if told is not None and told.roas and source else {}
    return [
        {"customer_asid": asn, "providers": sorted(kept.get(asn, providers))}
        for asn, providers in own.items()
        if kept.get(asn, providers)
    ]


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
    vrps = [*stated(inventory, source), *(Vrp(p, p.prefixlen, STRANGER_AS) for p in foreign)]
    text = as_json(vrps, aspas(inventory, source)) if asked.aspa else as_json(vrps)
    found = {node.name: node for node in nodes}
    for number, endpoint in enumerate(asked.validators, 1):
        for node in _places(inventory, found, endpoint, number):
            found[node.name] = _with(node, endpoint, number, text, asked.aspa)
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


def _with(node: Node, endpoint: Endpoint, number: int, text: str, paths: bool) -> Node:
    """StayRTR reads its file anew each second, and forgets nothing by itself. paths: by the cache that has ASPAs instead."""
    name = UNIT if UNIT not in node.units else f"stayrtr-{number}.service"
    program = Artifact(CACHE, Path(rtr_cache.__file__).read_text(encoding="utf-8"))
    lines = [
        "Type=exec",
        f"ExecStart=/usr/bin/python3 {CACHE} {endpoint.address} {endpoint.port} {FILE}"
        if paths
        else f"ExecStart=/usr/bin/stayrtr -bind {endpoint} -cache {FILE} -checktime=false -metrics.addr= -refresh 1 -loglevel warning",
    ]
    brought = unit(name, "network-online.target", lines, "a validator of the twin")
    files = (*node.files, Artifact(FILE, text), *([program] if paths else []), brought)
    return replace(node, files=files, units=(*node.units, name))


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
