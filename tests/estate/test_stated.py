"""Networks, hosts and VIPs that are stated: who gets what, what stays derived, and what is never renumbered."""

from __future__ import annotations

from tests.estate.make import SMALL, estate
from trimtab.estate.inventory import Inventory
from trimtab.estate.vips import shared

LANS = """\
    networks:
      edge: {groups: [proxy], vlan: 310, prefixes: [10.20.30.0/24], gateway: [10.20.30.1]}
      rack1: {groups: [backend], interface: eth0, prefixes: [10.20.31.0/25, "fd20:0:31::/64"]}
      rack2: {groups: [backend], vlan: 322, prefixes: [10.20.31.128/25, "fd20:0:32::/64"]}
    machines:
      gw: {group: router, number: 1, addresses: [10.20.30.1, 10.20.31.126]}
      edge-a: {group: proxy, number: 1, addresses: [10.20.30.50], interface: eno1}
      web: {group: backend, number: 2, addresses: [10.20.31.140]}
      web-old: {group: backend, number: 1, addresses: [10.20.31.7]}
"""
STATED = SMALL.replace("    upstreams:", LANS + "    upstreams:")
CHOSEN = """\
services:
  a: {names: [a.small.example], address: [198.18.1.200, "2001:db8:1::c8"], routes: [{pool: web}]}
  b: {names: [b.small.example], address: 198.18.1.200, vip: 7, routes: [{pool: web}]}
  c: {names: [c.small.example], vip: 7, routes: [{pool: web}]}
  d: {names: [d.small.example], address: [203.0.113.77], routes: [{pool: web}]}
  e: {names: [e.small.example], address: none, internal: 10.1.48.251, routes: [{pool: web}]}
edge: {anycast: {prefixes: [203.0.113.0/24, 2001:db8:113::/48]}}
pools:
"""


def chosen() -> Inventory:
    return Inventory(estate(SMALL[: SMALL.index("services:")] + CHOSEN + SMALL.partition("pools:\n")[2]))


def test_stated_and_derived_stand_beside_each_other() -> None:
    found = Inventory(estate(STATED)).by_name
    assert (found["edge-a"].v4, found["edge-a"].interface, found["edge-a"].v6) == (
        "10.20.30.50",
        "eno1",
        "fd00:1:30::a",
    )
    assert (found["one-proxy-2"].v4, found["one-proxy-2"].interface) == ("10.20.30.11", "vlan310")
    assert (found["web"].vlan.name, found["web"].v6) == ("rack2", "fd20:0:32::b")
    assert (found["web-old"].vlan.id, found["web-old"].interface) == (None, "eth0")
    assert (found["gw"].v4, found["gw"].vlan.id) == ("10.1.0.10", 100)


def test_the_only_routers_own_address_is_the_gateway_and_moves_nowhere() -> None:
    inventory = Inventory(estate(STATED))
    edge, rack = inventory.by_name["edge-a"].vlan, inventory.by_name["web-old"].vlan
    assert str(inventory.gateway("one", edge, 4)) == "10.20.30.1"
    assert str(inventory.gateway("one", rack, 4)) == "10.20.31.126"
    moving = [
        str(address)
        for vlan, family, address in inventory.moving_gateways("one")
        if (vlan, family) == (edge, 4)
    ]
    assert moving == []


def test_what_is_stated_of_one_renumbers_nobody_else() -> None:
    before, after = Inventory(estate()).by_name, Inventory(estate(STATED)).by_name
    assert before["one-router-1"].v4 == after["gw"].v4
    more = STATED.replace(
        "      web-old:", "      web-3: {group: backend, number: 3, addresses: [10.20.31.9]}\n      web-old:"
    )
    grown = Inventory(estate(more.replace("backend: 2}", "backend: 3}"))).by_name
    assert {name: grown[name] for name in after} == after


def test_other_sites_learn_each_stated_network_and_what_is_derived_as_one() -> None:
    inventory = Inventory(estate(STATED))
    assert inventory.private("one", 4) == ["10.1.0.0/16", "10.20.30.0/24", "10.20.31.0/25", "10.20.31.128/25"]


def test_chosen_addresses_are_those_of_the_service_and_the_rest_is_counted() -> None:
    inventory, services = chosen(), chosen().estate.services
    told = {
        n: [str(a) for f in (4, 6) for a in inventory.service_vips(s, f).values()]
        for n, s in services.items()
    }
    assert told["a"] == ["198.18.1.200", "2001:db8:1::c8"]
    assert told["b"] == ["198.18.1.200", "2001:db8:1::10"]
    assert told["d"] == ["203.0.113.77", "2001:db8:113::a"] and inventory.is_anycast(services["d"])
    assert told["e"] == [] and [str(a) for a in inventory.internal_vips("one", 4)] == ["10.1.48.251"]
    assert "10.1.48.251" not in map(str, inventory.vips(4)) and "10.1.48.251" in map(
        str, inventory.held("one", 4)
    )


def test_who_has_an_address_in_common_shares_a_listener() -> None:
    found = {key: [name for name, _ in entries] for key, entries in shared(chosen()).items()}
    assert found == {"1": ["d"], "7": ["a", "b", "c"], "10.1.48.251": ["e"]}
