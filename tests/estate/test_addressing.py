from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.estate.make import SMALL, estate
from trimtab.estate import addressing
from trimtab.estate.inventory import Inventory
from trimtab.estate.roles import OURS

TWO_MORE = """\
  later:
    id: 7
    at: [1, 1]
    asn: 65070
    hosts: {router: 1, backend: 1}
  also:
    id: 3
    at: [2, 2]
    asn: 65030
    hosts: {router: 2, proxy: 2}
    upstreams: {isp: {asn: 64509, peer: [198.51.100.17]}}
services:
"""


def test_the_address_plan_is_the_documented_one() -> None:
    inventory = Inventory(estate())
    proxy = inventory.by_name["one-proxy-2"]
    assert (proxy.v4, proxy.v6, proxy.vlan.id) == ("10.1.48.11", "fd00:1:30::b", 148)
    assert inventory.by_name["one-backend-1"].v4 == "10.1.80.10"
    assert inventory.by_name["one-router-1"].v4 == "10.1.0.10"
    assert str(proxy.vlan.gateway(4, 1)) == "10.1.48.1"
    assert str(proxy.vlan.gateway(6, 2)) == "fd00:1:30::9"
    assert str(addressing.anchor(4, 1)) == "10.1.255.1"
    assert str(addressing.anchor(6, 200)) == "fd00:c8:ff::1"
    assert [str(a) for f in (4, 6) for a in inventory.vips(f)] == ["198.18.1.10", "2001:db8:1::a"]


def test_adding_sites_and_hosts_moves_nothing() -> None:
    before = Inventory(estate()).by_name
    grown = SMALL.replace("services:\n", TWO_MORE).replace("backend: 2}", "backend: 2..9}")
    after = Inventory(estate(grown)).by_name
    assert {name: after[name] for name in before} == before


def test_a_retired_host_leaves_a_hole_and_an_override_holds() -> None:
    text = SMALL.replace(
        "id: 1\n", "id: 1\n    retired: [one-backend-1]\n    addresses: {one-backend-2: 10.1.80.77}\n"
    )
    inventory = Inventory(estate(text))
    assert "one-backend-1" not in inventory.by_name
    assert inventory.by_name["one-backend-2"].v4 == "10.1.80.77"


def test_the_twin_shrinks_by_the_file_only() -> None:
    text = SMALL + "twin: {at_most: {backend: 1}}\n"
    assert len(Inventory(estate(text), shrink=True).on_duty("members")) == 1
    assert len(Inventory(estate(text)).on_duty("members")) == 2


@given(st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200)), min_size=2, max_size=40, unique=True))
def test_private_links_never_overlap(pairs: list[tuple[int, int]]) -> None:
    for family in addressing.FAMILIES:
        nets = {}
        for a, b in pairs:
            if a == b:
                continue
            net, own, peer = addressing.private_link(family, a, b)
            assert own != peer and own in net and peer in net
            assert addressing.private_link(family, b, a) == (net, peer, own)
            assert nets.setdefault(net, {a, b}) == {a, b}


@given(st.integers(1, 200), st.sampled_from(sorted(OURS.known)), st.integers(0, 15))
def test_networks_of_a_site_stay_inside_its_aggregate(site: int, role: str, group: int) -> None:
    vlan = addressing.Vlan(site, addressing.octet(OURS.known[role].number, group), "g")
    assert vlan.v4.subnet_of(addressing.site_aggregate(4, site))
    assert vlan.v6.subnet_of(addressing.site_aggregate(6, site))
    assert vlan.id <= 4094 and len(vlan.interface) <= 15
