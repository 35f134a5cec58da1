"""Who answers where: every listening socket of a host, and a scan over the network as somebody outside would make it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.twin.conftest import run
from trimtab.estate.addressing import FAMILIES, PORTS
from trimtab.estate.inventory import Host, Inventory
from trimtab.lab.client import Lab

WEB = {80, 443}
# What daemons like these listen on, besides what any host of the twin has open.
USUAL = {
    22,
    53,
    111,
    179,
    646,
    2601,
    3784,
    3785,
    4784,
    8080,
    8081,
    8082,
    8404,
    8443,
    8500,
    9090,
    9100,
    *PORTS.values(),
}
BFD = (3784,)
SCAN = """
import errno, json, select, socket, sys, time
told = json.load(sys.stdin)
found = {a: {"tcp": [], "udp": []} for a in told["addresses"]}
def family(a): return socket.AF_INET6 if ":" in a else socket.AF_INET
wanted = [(a, p) for a in told["addresses"] for p in told["tcp"]]
while wanted:
    some, wanted, open_ = wanted[:400], wanted[400:], {}
    poll, ends = select.poll(), time.monotonic() + 3
    for a, p in some:
        s = socket.socket(family(a)); s.setblocking(False)
        if s.connect_ex((a, p)) in (0, errno.EINPROGRESS):
            open_[s.fileno()] = (s, a, p); poll.register(s, select.POLLOUT)
    while open_ and time.monotonic() < ends:
        for number, _ in poll.poll(100):
            s, a, p = open_.pop(number); poll.unregister(number)
            if s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0: found[a]["tcp"].append(p)
            s.close()
    for s, *_ in open_.values(): s.close()
for a in told["addresses"]:
    for p in told["udp"]:
        with socket.socket(family(a), socket.SOCK_DGRAM) as s:
            s.settimeout(0.4); s.connect((a, p)); refused = False
            for _ in range(told["tries"]):
                try:
                    s.send(b"x" * 24); s.recv(1)
                except TimeoutError: continue
                except OSError: refused = True
                break
            if not refused: found[a]["udp"].append(p)
print(json.dumps(found))
"""


def listening(lab: Lab, host: str) -> list[tuple[str, str, int]]:
    """(tcp or udp, address, port) of each socket; a wildcard is `*`. No scan is as complete."""
    found = []
    for line in run(lab, host, "ss", "-Hltnu").splitlines():
        kind, _, _, _, local, *_ = line.split()
        address, _, port = local.rpartition(":")
        address = address.partition("%")[0].strip("[]")
        found.append((kind, "*" if address in ("0.0.0.0", "::", "*") else address, int(port)))
    return found


def scan(
    lab: Lab, node: str, addresses: Iterable[str], tcp: Iterable[int], udp: Sequence[int] = (), tries: int = 1
) -> Mapping[str, Any]:
    """By address the TCP ports that take a connection, and the UDP ports of which nobody says that they are closed."""
    told = json.dumps({"addresses": sorted(addresses), "tcp": sorted(tcp), "udp": list(udp), "tries": tries})
    said = run(lab, node, "sh", "-c", f"echo '{told}' | python3 -c '{SCAN}'", timeout=60)
    found: Mapping[str, Any] = json.loads(said)
    return found


def public(inventory: Inventory) -> tuple[set[str], set[str]]:
    """(the addresses of services, the routers' addresses towards their upstreams)."""
    services = inventory.estate.services.values()
    vips = {
        str(vip)
        for each in services
        for family in FAMILIES
        for vip in inventory.service_vips(each, family).values()
    }
    uplinks = {
        str(peer + router.number)
        for site in inventory.site_names()
        for upstream in inventory.estate.sites[site].upstreams.values()
        for peer in upstream.peer
        for router in inventory.routers(site)
    }
    return vips, uplinks


def strays(lab: Lab, inventory: Inventory, host: Host) -> list[tuple[str, str, int]]:
    """Sockets of a router or proxy that a public address reaches and no service nor session states."""
    vips, uplinks = public(inventory)
    stated = {("tcp", vip, port) for vip in vips for port in WEB}
    stated |= {(kind, each, port) for each in uplinks for kind, port in (("tcp", 179), ("udp", 3784))}
    sources = {("udp", each) for each in uplinks}  # from where BFD sends
    return [
        each
        for each in listening(lab, host.name)
        if each[1] in {"*"} | vips | uplinks
        and each not in stated
        and not (each[:2] in sources and each[2] > 1023)
    ]


def assert_closed(lab: Lab, inventory: Inventory, nodes: Iterable[str]) -> None:
    """nodes: who scans the public addresses that it reaches."""
    vips, uplinks = public(inventory)
    hosts = [each for each in inventory.hosts if {"router", "proxy"} & set(each.roles)]
    assert {each.name: left for each in hosts if (left := strays(lab, inventory, each))} == {}
    everything = [each for host in inventory.hosts for each in listening(lab, host.name)]
    ports = USUAL | WEB | {port for kind, _, port in everything if kind == "tcp"}
    with ThreadPoolExecutor() as pool:  # all they do is wait
        asked = {
            node: (
                pool.submit(scan, lab, node, vips, ports, BFD, 8),
                pool.submit(scan, lab, node, uplinks, ports),
            )
            for node in nodes
        }
    for node, (services, routers) in asked.items():
        found = services.result()
        open_ = {a: (sorted(each["tcp"]), each["udp"]) for a, each in found.items()}
        # an upstream's router has no way back from every site: of what is silent in all it learns nothing
        reached = {a: ports for a, ports in open_.items() if ports[0]}
        assert {":" in a for a in reached} == {":" in a for a in vips} and open_.keys() == vips, (node, open_)
        wrong = {a: ports for a, ports in reached.items() if ports != (sorted(WEB), [])}
        assert wrong == {}, (node, wrong)
        for address, answers in routers.result().items():
            assert answers["tcp"] in ([], [179]), (node, address)  # BGP with the upstream
