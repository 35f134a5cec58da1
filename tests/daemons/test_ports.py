"""Which ports a host keeps from outgoing connections, and from where it lends them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from trimtab.daemons.etcd.config import clusters_of, ports_of
from trimtab.daemons.ports import ranges
from trimtab.daemons.rendered import listened, render_host
from trimtab.daemons.sysctl.config import CONFIG, MODULES, settings
from trimtab.estate.fault import BadEstate
from trimtab.estate.inventory import Inventory
from trimtab.estate.kernel import PORT_RANGE, RESERVED
from trimtab.estate.load import read_estate

ESTATE = """\
estate: mixed
zone: mixed.example
groups:
  edge: {id: 9, roles: [proxy, registry, backend]}
  db: {id: 1, roles: [store]}
sites:
  one:
    id: 1
    at: [22.3, 114.2]
    asn: 65010
    hosts: {router: 2, edge: 3, backend: 2, db: 1}
    upstreams:
      isp: {asn: 64500, peer: [198.51.100.1]}
services:
  www: {names: [www.mixed.example], routes: [{path: /a, pool: api}, {pool: web}]}
pools:
  web: {hosts: edge, port: 8080}
  api: {discover: api, port: 9000}
stores: {orders: {kind: etcd, hosts: db}}
"""


def inventory(more: str = "") -> Inventory:
    return Inventory(read_estate(ESTATE + more, "estate.yaml")[0])


def kernel(found: Inventory, name: str) -> dict[str, str]:
    host = found.by_name[name]
    return settings(found, host, listened(found, host))


def reserved(found: Inventory, name: str) -> set[int]:
    text = kernel(found, name).get(RESERVED, "")
    ends = [part.split("-") for part in text.split(",") if part]
    return {port for each in ends for port in range(int(each[0]), int(each[-1]) + 1)}


def test_a_host_keeps_the_ports_of_all_its_roles() -> None:
    found = inventory()
    edge = found.by_name["one-edge-1"]
    etcd = {
        port
        for name, _ in clusters_of(found, edge)
        for port in (ports_of(name).client, ports_of(name).peer, ports_of(name).metrics)
    }
    assert len(etcd) == 6
    assert reserved(found, "one-edge-1") == etcd | {3784, 4784, 8080, 8404, 8405, 8406, 8407, 9000}
    assert reserved(found, "one-db-1") == {2379, 2380, 2381, 8407}
    assert reserved(found, "one-backend-1") == {8407, 9000}  # web's members are the edge


def test_a_router_lends_what_bfd_may_use_and_keeps_nothing_that_it_does_not_lend() -> None:
    found = inventory("kernel: {reserved_ports: [9100, 50000]}\n")
    router = kernel(found, "one-router-1")
    assert router[PORT_RANGE] == "49152 65535"
    assert router[RESERVED] == "50000"
    assert {9100, 50000, 8080, 2379} <= reserved(found, "one-edge-1")
    assert RESERVED not in kernel(inventory(), "one-router-1")


def test_what_the_estate_reserves_is_added() -> None:
    found = inventory(f'kernel: {{sysctl: {{{RESERVED}: "9090-9092,8080"}}}}\n')
    assert reserved(found, "one-edge-1") == reserved(inventory(), "one-edge-1") | {9090, 9091, 9092}
    assert RESERVED not in kernel(found, "one-router-1")


def test_a_range_of_the_estates_own_is_what_counts_on_a_router_too() -> None:
    found = inventory(f"kernel: {{sysctl: {{{PORT_RANGE}: 1024 65535}}}}\n")
    assert reserved(found, "one-router-1") == {3784, 4784, 8407}


@pytest.mark.parametrize("value", ["1024", "65535 1024", "0 65535", "1024 70000", "a b"])
def test_what_is_no_range_is_a_fault(value: str) -> None:
    with pytest.raises(BadEstate, match="two ports, the lower first"):
        inventory(f'kernel: {{sysctl: {{{PORT_RANGE}: "{value}"}}}}\n')


def test_ranges_are_written_as_the_kernel_does() -> None:
    assert ranges([8407, 8404, 8405, 8406, 2379, 8406]) == "2379,8404-8407"
    assert ranges([]) == ""


def test_the_limit_of_connections_is_set_after_its_module_is_there() -> None:
    """systemd loads modules first; a proxy alone has the limit."""
    found = inventory()
    edge = {a.path: a.content for a in render_host(found, found.by_name["one-edge-1"])}
    assert [line for line in edge[MODULES].splitlines() if not line.startswith("#")] == ["nf_conntrack"]
    assert "-net.netfilter.nf_conntrack_max = 2000000\n" in edge[CONFIG]
    backend = {a.path for a in render_host(found, found.by_name["one-backend-1"])}
    assert CONFIG in backend and MODULES not in backend


LENT = """
import socket, sys
for name, value in (("ip_local_port_range", sys.argv[1]), ("ip_local_reserved_ports", sys.argv[2])):
    with open(f"/proc/sys/net/ipv4/{name}", "w") as file:
        file.write(value)
kept = []
while True:
    kept.append(socket.socket())
    try:
        kept[-1].bind(("127.0.0.1", 0))
    except OSError:
        break
    print(kept[-1].getsockname()[1])
"""


@pytest.mark.daemon
def test_the_kernel_lends_none_of_them() -> None:
    """A narrow range, all of which is taken: what is left is the host's own."""
    found = inventory()
    keys = kernel(found, "one-edge-1")
    ran = subprocess.run(
        ["unshare", "-rn", sys.executable, "-c", LENT, "2376 2390", keys[RESERVED]],
        capture_output=True, text=True, check=True, timeout=20,
    )  # fmt: skip
    lent = {int(line) for line in ran.stdout.split()}
    left = set(range(2376, 2391)) - reserved(found, "one-edge-1")
    assert lent <= left
    assert len(lent) >= len(left) - 1  # of an odd number the kernel may leave one
