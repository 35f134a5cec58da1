"""Where clients reach a site whose proxies have a public address each, beside sites that announce."""

from __future__ import annotations

from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.estate.peering import apart, joined, sessions, speakers
from trimtab.estate.reached import public_addresses, reached_at, translated
from trimtab.estate.vips import shared

TEXT = """\
estate: mixed
zone: mixed.example
edge: {anycast: {prefixes: [203.0.113.0/24]}}
sites:
  one:
    id: 1
    at: [22.3, 114.2]
    asn: 64512
    hosts: {router: 1, proxy: 2, backend: 2}
    upstreams: {isp: {asn: 64500, peer: [192.0.2.1, "2001:db8:ff01::1"]}}
  two:
    id: 2
    at: [50.1, 8.7]
    front: none
    hosts: {proxy: 2, backend: 2}
    networks:
      edge: {groups: [proxy], prefixes: ["2001:db8:7::/64"]}
    machines:
      edge-a: {group: proxy, number: 1, addresses: ["2001:db8:7::10"], public: [198.51.100.10, "2001:db8:7::10"]}
      edge-b: {group: proxy, number: 2, addresses: ["2001:db8:7::11"], public: [198.51.100.11, "2001:db8:7::11"]}
services:
  www: {names: [www.mixed.example], routes: [{pool: web}]}
  img: {names: [img.mixed.example], vip: 3, routes: [{pool: web}]}
  api: {names: [api.mixed.example], address: anycast, vip: 2, routes: [{pool: web}]}
pools: {web: {hosts: backend, port: 8080, check: {get: /health}}}
"""


def inventory() -> Inventory:
    return Inventory(read_estate(TEXT)[0])


def test_clients_of_the_site_have_every_proxy_s_address() -> None:
    found = inventory()
    services = found.estate.services
    assert list(map(str, reached_at(found, services["www"], "two", 4))) == ["198.51.100.10", "198.51.100.11"]
    assert list(map(str, reached_at(found, services["www"], "two", 6))) == [
        "2001:db8:7::10",
        "2001:db8:7::11",
    ]
    assert list(map(str, reached_at(found, services["www"], "one", 4))) == ["198.18.1.10"]
    assert reached_at(found, services["api"], "two", 4) == [], "nobody there announces it"
    assert public_addresses(found, "one", 4) == []


def test_only_what_differs_is_translated() -> None:
    found = inventory()
    assert [(str(public), own) for public, own in translated(found, "two", 4)] == [
        ("198.51.100.10", "10.2.48.10"),
        ("198.51.100.11", "10.2.48.11"),
    ]
    assert list(translated(found, "two", 6)) == []


def test_nothing_of_it_is_announced_or_carried_by_others() -> None:
    found = inventory()
    assert found.announced("two", 4) == [] and found.public("two", 4) is None
    assert {str(vip) for vip in found.vips(4)} == {"198.18.1.10", "198.18.1.12", "203.0.113.11"}
    assert set(found.service_vips(found.estate.services["api"], 4)) == {"one"}
    assert speakers(found, "two") == [] and list(sessions(found, "two")) == []
    assert apart(found, "two") and joined(found, "one") == []


def test_its_services_share_a_listener_whatever_their_vip() -> None:
    assert {key: [name for name, _ in own] for key, own in shared(inventory()).items()} == {
        "1": ["img", "www"],
        "2": ["api"],
    }
