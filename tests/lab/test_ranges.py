"""The twin's own addresses are never the estate's: whatever an estate has, it is the twin that moves."""

from __future__ import annotations

from ipaddress import ip_interface, ip_network
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import BadInput
from trimtab.estate.estate import Estate
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.estate.prefix_faults import overlap
from trimtab.lab import ranges
from trimtab.lab.plan import plan

SMALL = """\
estate: small
zone: small.example
sites:
  one:
    id: 1
    at: [22.3, 114.2]
    asn: 65010
    hosts: {router: 1, proxy: 2, backend: 2}
    upstreams:
      isp: {asn: 64500, peer: [198.51.100.1, 2001:db8:ff01::1]}
      other: {asn: 64501, peer: [198.51.100.9, 2001:db8:ff01::9]}
services:
  www:
    names: [www.small.example]
    routes: [{pool: web}]
pools:
  web: {hosts: backend, port: 8080, check: {get: /health}}
"""
CGNAT = SMALL.replace("198.51.100.1, 2001:db8:ff01::1", "100.64.0.9, fd64::9")


def estate(text: str = SMALL) -> Estate:
    return read_estate(text)[0]


def test_where_nothing_is_in_the_way_they_are_the_first_choices() -> None:
    found = ranges.choose(Inventory(estate()), 2)
    assert [str(each) for each in (found.mesh4, found.access4, found.clients4)] == [
        "100.64.0.0/16", "100.126.0.0/16", "198.19.0.0/16",
    ]  # fmt: skip
    assert [str(each) for each in (found.mesh6, found.access6, found.clients6)] == [
        "fd64::/16", "fd65::/16", "2001:db8:fe00::/40",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        CGNAT,
        SMALL.replace("id: 1\n", "id: 1\n    public: [198.19.1.0/24, 2001:db8:fe01::/48]\n"),
        SMALL + "network: {private: 100.0.0.0/8}\n",
        SMALL + "edge: {anycast: {prefixes: [100.64.0.0/10]}}\n",
        SMALL + "edge: {anycast: {prefixes: [198.18.0.0/15, 2001:db8::/33]}}\n",
    ],
)
def test_the_twin_moves_and_the_estate_stays(text: str) -> None:
    inventory = Inventory(estate(text))
    topology = plan(inventory, "test")
    networks = {
        ip_interface(address).network
        for node in topology.nodes
        for leg in node.legs
        if leg.segment.startswith(("ix.", "access."))
        for address in leg.addresses
    }
    networks |= {
        ip_network(each) for node in topology.nodes if node.kind == "clients" for each in node.loopback
    }
    for theirs in ranges._taken(inventory):
        assert not any(overlap(theirs, own) for own in networks), theirs


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0x01000000, 0xDFFFFFFF), min_size=1, max_size=4),
    st.integers(0, 400),
)
def test_what_is_chosen_is_free_and_large_enough(members: list[int], transits: int) -> None:
    lines = ", ".join(f"{{address: {ip_network(each)[0]}, port: 80}}" for each in sorted(set(members)))
    inventory = Inventory(estate(SMALL.replace("{hosts: backend, port: 8080, ", f"{{members: [{lines}], ")))
    found = ranges.choose(inventory, transits)
    own = [found.mesh4, found.access4, found.clients4, found.mesh6, found.access6, found.clients6]
    assert not any(overlap(a, b) for a, b in combinations(own, 2))
    assert not any(overlap(a, b) for a in own for b in ranges._taken(inventory))
    assert found.mesh4.num_addresses >= 4 * transits * transits


def test_an_estate_without_proxies_has_no_clients() -> None:
    text = SMALL.replace("proxy: 2, ", "")
    with pytest.raises(BadInput, match="no site has proxies"):
        plan(Inventory(estate(text)), "test")
