"""A site without a layer 2 of its own in the twin: its cloud is the gateway, tells its addresses and translates them."""

from __future__ import annotations

from pathlib import Path

from trimtab.drills.scene import read_scene
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.lab import cloud
from trimtab.lab.plan import plan
from trimtab.lab.topology import Node, Topology

ESTATES = Path(__file__).parents[1] / "twin/estates"
TEXT = (ESTATES / "cloud.yaml").read_text()


def planned(text: str) -> Topology:
    return plan(Inventory(read_estate(text)[0]), "t")


def node(found: Topology, name: str) -> Node:
    return next(each for each in found.nodes if each.name == name)


def text_of(found: Node, path: str) -> str:
    return next((each.content for each in found.files if each.path == path), "")


def test_the_cloud_stands_in_every_network_as_the_gateway() -> None:
    found = planned(TEXT)
    legs = {leg.segment: leg.addresses for leg in node(found, "as430001").legs}
    assert legs["one.vlan148"] == ("10.1.48.9/24", "fd00:1:30::9/64")
    assert legs["one.vlan180"] == ("10.1.80.9/24", "fd00:1:50::9/64")
    assert node(found, "edge-a").routes == ("default via 10.1.48.9", "-6 default via fd00:1:30::9")


def test_it_tells_each_address_and_translates_what_leaves_the_site() -> None:
    found = node(planned(TEXT), "as430001")
    assert "network 198.51.100.10/32" in text_of(found, "/etc/frr/bgpd.conf")
    rules = text_of(found, cloud.RULES)
    assert "dnat to ip daddr map { 198.51.100.10 : 10.1.48.10, 198.51.100.11 : 10.1.48.11 }" in rules
    assert (
        "ip daddr != { 10.1.48.0/24, 10.1.80.0/24 } snat to ip saddr map { 10.1.48.10 : 198.51.100.10"
        in rules
    )
    assert found.units[0] == cloud.UNIT


def test_who_has_his_public_address_himself_is_not_translated() -> None:
    own = TEXT.replace("198.51.100.10", "10.1.48.10").replace("198.51.100.11", "10.1.48.11")
    found = node(planned(own), "as430001")
    assert cloud.UNIT not in found.units and not text_of(found, cloud.RULES)
    assert "network 10.1.48.10/32" in text_of(found, "/etc/frr/bgpd.conf")


def test_bird_tells_them_too() -> None:
    found = node(planned(TEXT + "twin: {peers: bird}\n"), "as430001")
    assert "protocol static to_own4" in text_of(found, "/etc/bird/bird.conf")


def test_clients_have_every_address_of_the_site_and_no_vip() -> None:
    facts = planned(TEXT).facts
    site, (target,) = facts["sites"]["one"], facts["regions"]["default"]["targets"]  # type: ignore[index]
    assert target["addresses"] == ["198.51.100.10", "198.51.100.11"]
    assert site["public"] == {"edge-a": ["198.51.100.10"], "edge-b": ["198.51.100.11"]}
    assert site["vips"] == [] and site["moved"] is False and site["upstreams"] == {}


def test_a_name_with_several_addresses_is_tried_from_each_of_them() -> None:
    (region,) = read_scene(planned(TEXT).facts).regions.values()
    assert [(each.address, each.others) for each in region.targets] == [
        ("198.51.100.10", ("198.51.100.11",)),
        ("198.51.100.11", ("198.51.100.10",)),
    ]
