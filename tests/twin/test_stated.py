"""A site that was numbered years ago: the twin has its very addresses, and VRRP moves those that were chosen for its services."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.twin.conftest import eventually, fetch, run, twin
from trimtab.estate.addressing import FAMILIES
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.alone, pytest.mark.full]
ESTATE = Path(__file__).parent / "estates/asitis.yaml"
CHOSEN, INSIDE = ("192.0.2.224", "2001:db8:100::e0"), ("10.20.30.200", "2001:db8:100:310::200")
PROXIES, ROUTERS = ("edge-a", "edge-b"), ("fra-r1", "fra-r2")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with twin(ESTATE) as lab:
        yield lab


def addresses(lab: Lab, node: str) -> set[str]:
    words = [line.split() for line in run(lab, node, "ip", "-o", "addr", "show").splitlines()]
    return {f"{line[1]} {line[3]}" for line in words}


def asked(lab: Lab, node: str, ca: str, name: str, address: str) -> str:
    """The status of its page at this very address."""
    where = f"[{address}]" if ":" in address else address
    how = ("--cacert", ca, "--resolve", f"{name}:443:{where}")
    return fetch(lab, node, f"https://{name}/", *how)["status"]


def served(lab: Lab) -> list[str]:
    """What does not answer: the chosen VIPs to clients, the internal ones to hosts behind a gateway."""
    tried = [("clients-default", "/etc/trimtab/ca.pem", "www.asitis.example", vip) for vip in CHOSEN]
    tried += [("web-new", "/etc/trimtab/pki/ca.crt", "www.asitis.example", vip) for vip in INSIDE]
    tried += [("etcd2", "/etc/trimtab/pki/ca.crt", "intra.asitis.example", "10.20.30.201")]
    return [f"{node} {vip}" for node, ca, name, vip in tried if asked(lab, node, ca, name, vip) != "200"]


def holders(lab: Lab, nodes: tuple[str, ...], address: str) -> list[str]:
    return [node for node in nodes if any(f" {address}/" in each for each in addresses(lab, node))]


def test_every_host_has_the_addresses_of_the_file(lab: Lab) -> None:
    inventory = Inventory(load_estate(ESTATE))
    for host in inventory.hosts:
        own = addresses(lab, host.name)
        for family in FAMILIES:
            length = host.vlan.network(family).prefixlen
            assert f"{host.interface} {host.address(family)}/{length}" in own, host.name
    assert "bond0.310 10.20.30.2/24" in addresses(lab, "fra-r1")


def test_the_chosen_addresses_outlast_a_proxy_and_a_router(lab: Lab) -> None:
    assert not served(lab)
    first = holders(lab, PROXIES, CHOSEN[0])
    assert first == holders(lab, PROXIES, INSIDE[0]) == holders(lab, PROXIES, "10.20.30.201")
    lab.power_cut(first)
    assert eventually(lambda: not served(lab), 5)
    assert holders(lab, tuple(p for p in PROXIES if p not in first), INSIDE[1])
    lab.power_on(first)
    lab.wait_ready(60)
    routers = holders(lab, ROUTERS, "172.20.1.254")
    lab.power_cut(routers)
    assert eventually(lambda: not served(lab), 10)
    lab.power_on(routers)
    lab.wait_ready(60)
