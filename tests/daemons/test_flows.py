"""Who speaks with whom: nothing listens that no flow leads to, and no flow leads to where nothing listens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.estate.make import estate
from trimtab.daemons.flows import INSIDE, flows
from trimtab.daemons.rendered import listened
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate

ROOT = Path(__file__).parents[2]
ESTATES = [*sorted(ROOT.glob("examples/*/estate.yaml")), ROOT / "tests/twin/estates/asitis.yaml"]
# Open to no other host: BIRD opens the port of BFD over several hops in any case, HAProxy's peers speak where there is a table.
SOMETIMES = {4784, 8406}


@pytest.mark.parametrize("path", ESTATES, ids=lambda p: p.parent.name)
def test_every_port_that_is_open_has_somebody_who_asks(path: Path) -> None:
    inventory = Inventory(load_estate(path))
    found = flows(inventory)
    for host in inventory.hosts:
        led = {
            port
            for flow in found
            if (flow.site, flow.target) == (host.site, host.group)
            for port in flow.ports
        }
        assert set(listened(inventory, host)) - INSIDE - SOMETIMES <= led, host.name


@pytest.mark.parametrize("path", ESTATES, ids=lambda p: p.parent.name)
def test_every_flow_leads_to_an_open_port(path: Path) -> None:
    inventory = Inventory(load_estate(path))
    hosts = {(host.site, host.group): host for host in reversed(inventory.hosts)}
    for flow in flows(inventory):
        host = hosts.get((flow.site, flow.target))
        if host is not None:
            assert {port for port in flow.ports if port >= 1024} <= listened(inventory, host), flow


def test_the_small_estate_has_these() -> None:
    found = {(f.source, f.target, f.protocol, f.ports) for f in flows(Inventory(estate()))}
    assert {
        ("clients", "proxy", "tcp", (80, 443)),
        ("AS64500 (isp)", "router", "tcp", (179,)),
        ("proxy", "router", "udp", (3784,)),
        ("proxy", "backend", "tcp", (8080,)),
        ("proxy", "proxy", "vrrp", ()),
        ("monitoring", "backend", "tcp", (8407,)),
    } <= found
    assert ("router", "router", "tcp", (179,)) not in found and (
        "backend",
        "proxy",
        "tcp",
        (80, 443),
    ) not in found
