"""agent.json: names in short and in full, and what does not fit is told with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.estate.make import SMALL
from trimtab.agent_config import AgentFile, AskedPool, dump, load, names_of, ranges_of
from trimtab.daemons.rendered import describe
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate

FILE = {"host": "h", "site": "s", "estate": "e", "address": "a", "metrics_port": 1, "supervisor": "systemd"}


@pytest.mark.parametrize(
    ("names", "ranges"),
    [
        ([], ()),
        (["hk-b-7"], ("hk-b-7",)),
        (["hk-b-1", "hk-b-2", "hk-b-10", "hk-b-3"], ("hk-b-1..3", "hk-b-10")),
        (["hk-b2-1", "hk-b2-2", "hk-b-9"], ("hk-b-9", "hk-b2-1..2")),
        (["edge-a", "edge-b"], ("edge-a", "edge-b")),
        (["web08", "web09", "web10", "web11", "web"], ("web", "web10..11", "web08..9")),
        (["x0", "x00", "x1", "x01"], ("x0..1", "x00..1")),
    ],
)
def test_names_in_short_and_back(names: list[str], ranges: tuple[str, ...]) -> None:
    assert ranges_of(names) == ranges
    assert sorted(names_of(ranges)) == sorted(names)


def test_what_a_host_serves_has_its_fellows_by_name() -> None:
    text = SMALL.replace("{hosts: backend, port: 8080,", "{hosts: backend, port: 8080, backup: spare,")
    assert names_at(text, "one-backend-2") == {"web": ("one-backend-1..2", "one-spare-1")}


def test_a_spare_of_those_who_register_serves_under_their_name() -> None:
    text = SMALL.replace("{hosts: backend, port: 8080,", "{discover: shop, port: 8080, backup: spare,")
    text = text.replace("proxy: 2", "proxy: 2, registry: 1")
    assert names_at(text, "one-spare-1") == {"shop": ("one-spare-1",)}
    assert names_at(text, "one-backend-1") == {}


def test_a_host_knows_what_can_be_discovered_where_there_is_a_registry() -> None:
    text = SMALL.replace("{hosts: backend, port: 8080,", "{discover: shop, port: 8080,")
    more = "pools:\n  zz: {discover: shop, port: 1}\n  unused: {discover: beside, port: 2}\n"
    text = text.replace("pools:\n", more).replace("proxy: 2", "proxy: 2, registry: 1")
    inventory = Inventory(read_estate(text, "discovers.yaml")[0])
    for host in inventory.hosts:
        assert describe(inventory, host).discovers == ("beside", "shop")
    plain = Inventory(read_estate(SMALL, "plain.yaml")[0])
    assert {describe(plain, host).discovers for host in plain.hosts} == {()}


def test_who_may_be_a_member_knows_how_to_ask() -> None:
    """Every host of a site with proxies and a registry, once the estate has a store; nobody follows the store for it."""
    text = SMALL.replace("proxy: 2", "proxy: 2, registry: 1").replace(
        "services:", "arbiter: {members: 75%}\nservices:"
    )
    inventory = Inventory(read_estate(text, "asks.yaml")[0])
    found = {host.name: describe(inventory, host) for host in inventory.hosts}
    mine = found["one-backend-1"]
    assert mine.asks is not None and mine.estate_store is None
    assert mine.asks.members == 75.0 and mine.asks.store == found["one-registry-1"].estate_store
    assert mine.asks.pools == (AskedPool("web", "web", ("one-backend-1..2",)),)
    assert found["one-proxy-1"].asks is None, "it is in no pool, and none is open"
    assert load(dump(mine)) == mine
    plain = Inventory(read_estate(SMALL, "plain.yaml")[0])
    assert {describe(plain, host).asks for host in plain.hosts} == {None}


def test_where_members_register_everybody_may_be_one() -> None:
    text = SMALL.replace("{hosts: backend, port: 8080,", "{discover: shop, port: 8080,")
    inventory = Inventory(read_estate(text.replace("proxy: 2", "proxy: 2, registry: 1"), "asks.yaml")[0])
    for host in inventory.hosts:
        asks = describe(inventory, host).asks
        assert asks is not None and asks.pools == (AskedPool("web", "shop", (), True),)


def names_at(text: str, host: str) -> dict[str, tuple[str, ...]]:
    text = text.replace("backend: 2", "backend: 2, spare: 1").replace(
        "services:", "groups: {spare: {id: 3, roles: [backend]}}\nservices:"
    )
    inventory = Inventory(read_estate(text, "serves.yaml")[0])
    return describe(inventory, inventory.by_name[host]).serves


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"serves": []}, "serves: an object"),
        ({"serves": {"web": {}}}, "serves.web: a list"),
        ({"proxy": []}, "proxy: an object"),
        ({"units": {}}, "units: a list"),
        (
            {
                "proxy": {
                    "engine": "nginx",
                    "unit": "u",
                    "splits": [{"service": "s", "name": "n", "shares": []}],
                }
            },
            r"proxy.splits\[0\].shares: an object",
        ),
    ],
)
def test_a_wrong_kind_is_told_with_its_place(change: dict[str, Any], place: str) -> None:
    with pytest.raises(ValueError, match=place):
        load(json.dumps(FILE | change))


def test_an_agent_of_an_earlier_release_reads_the_file_where_nothing_of_a_ramp_is_said() -> None:
    """It refuses keys that it does not know."""
    text = SMALL.replace("proxy: 2", "proxy: 2, registry: 1")
    found = described(text)
    assert not {"ramp", "pause"} & json.loads(dump(found))["arbiter"].keys() and load(dump(found)) == found
    found = described(text.replace("services:", "arbiter: {ramp: {prepend: [3, 1], pause: 4s}}\nservices:"))
    assert load(dump(found)) == found and found.arbiter is not None
    assert (found.arbiter.ramp, found.arbiter.pause) == ((3, 1), 4.0)


def described(text: str) -> AgentFile:
    inventory = Inventory(read_estate(text, "ramp.yaml")[0])
    return describe(inventory, inventory.by_name["one-registry-1"])
