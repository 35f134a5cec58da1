"""`announce`: what it tells ExaBGP of the anchor, the steering and the sessions; what the agent reads of it; what ExaBGP cannot."""

from __future__ import annotations

import asyncio
import json
from ipaddress import ip_network
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from trimtab.daemons.bird.shift_file import Left, Row, ShiftFile, text
from trimtab.daemons.exabgp.client import Announcer
from trimtab.daemons.load import load_estate
from trimtab.daemons.rendered import render_host
from trimtab.errors import Refused, Unreachable
from trimtab.estate.fault import BadEstate
from trimtab.estate.inventory import Inventory

RACK = Path(__file__).parents[1] / "twin/estates/rack-exabgp.yaml"
PREFIX = "198.18.1.0/24"
ONE = "next-hop self origin igp as-path [ 64512 ]"


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    inventory = Inventory(load_estate(RACK))
    return {a.path: a.content for a in render_host(inventory, inventory.by_name["one-proxy-1"])}


@pytest.fixture
def hook(files: dict[str, str]) -> ModuleType:
    module = ModuleType("announce")
    exec(compile(files["/usr/local/lib/trimtab/announce"], "announce", "exec"), module.__dict__)
    return module


@pytest.fixture
def plan(files: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files["/etc/exabgp/announce.json"])
    return found


@pytest.mark.parametrize(
    ("addresses", "steer", "says"),
    [
        ({"10.1.255.1"}, "", ONE),
        ({"10.1.255.1", "10.1.255.2"}, "", ONE),
        ({"10.1.255.2"}, "", "next-hop self origin igp as-path [ 64512 64512 64512 64512 ] community [ 65535:0 ]"),
        ({"10.1.48.10"}, "", None),
        ({"10.1.255.1"}, f"define WITHDRAWN4 = [ {PREFIX} ];\n", None),
        ({"10.1.255.1"}, f"define PREFER_AWAY4 = [ {PREFIX} ];\n", f"{ONE} community [ 65535:0 ]"),
    ],
)  # fmt: skip
def test_what_is_told(
    hook: ModuleType, plan: dict[str, Any], addresses: set[str], steer: str, says: str | None
) -> None:
    found = hook.wanted(plan, addresses, hook.steered(steer), hook.shifted(""))
    assert found["up_tor_a4"] == found["up_tor_b4"] == ({PREFIX: says} if says else {})
    assert found["up_tor_a6"] == {}, "the anchor of the other family is not there"


def test_a_shift_is_told_to_its_upstream_alone_and_the_agent_finds_it(
    hook: ModuleType, plan: dict[str, Any], tmp_path: Path
) -> None:
    file = ShiftFile(1, {"tor-a": Row(2, 50, ((64601, 3), (64601, 1, 2)))})
    announcer, told = hook.Announcer(lambda command: None), tmp_path / "announced.json"
    announcer.look(plan, {"10.1.255.1"}, {}, hook.shifted(text(file)))
    found = announcer.state()["sessions"]
    ours = "as-path [ 64512 64512 64512 64512 ] med 50 community [ 64601:3 ] large-community [ 64601:1:2 ]"
    assert found["up_tor_a4"]["told"] == {PREFIX: f"next-hop self origin igp {ours}"}
    assert found["up_tor_b4"]["told"] == {PREFIX: "next-hop self origin igp as-path [ 64512 64512 ]"}, (
        "the ramp"
    )
    told.write_text(json.dumps(announcer.state()))
    asked, net = Announcer(str(told)), ip_network(PREFIX)
    assert asyncio.run(asked.runs_shift(file.number)) and not asyncio.run(
        asked.runs_shift(ShiftFile().number)
    )
    left = Left(3, 50, frozenset({(64601, 3), (64601, 1, 2)}))
    assert asyncio.run(asked.leaving("up_tor_a4", [net])) == {net: left}


def test_an_announce_without_the_file_shifts_nothing(hook: ModuleType, tmp_path: Path) -> None:
    told = tmp_path / "announced.json"
    told.write_text(json.dumps(hook.Announcer(print).state()))
    assert asyncio.run(Announcer(str(told)).runs_shift(ShiftFile().number))
    told.write_text("{}")
    with pytest.raises(Refused):
        asyncio.run(Announcer(str(told)).runs_shift(1))


def test_it_says_the_difference_and_all_to_a_new_session(hook: ModuleType, plan: dict[str, Any]) -> None:
    said: list[str] = []
    announcer, none = hook.Announcer(said.append), hook.shifted("")
    announcer.look(plan, {"10.1.255.1"}, {}, none)
    assert sorted(said) == [f"neighbor 10.1.48.{n} announce route {PREFIX} {ONE}" for n in (1, 2)]
    announcer.look(plan, {"10.1.255.1"}, {}, none)
    assert len(said) == 2
    announcer.hear("neighbor 10.1.48.2 up")
    announcer.look(plan, {"10.1.255.1"}, {}, none)
    assert [line.split()[1] for line in said[2:]] == ["10.1.48.2"]
    announcer.look(plan, set(), {}, none)
    assert said[3:] == [f"neighbor 10.1.48.{n} withdraw route {PREFIX} next-hop self" for n in (1, 2)]
    state = announcer.state()["sessions"]
    assert state["up_tor_b4"] == {"up": True, "told": {}}
    assert not state["up_tor_a4"]["up"]


def test_it_reads_the_kernel(hook: ModuleType) -> None:
    assert "127.0.0.1" in hook.addresses()


def test_the_agent_asks_it_as_it_asks_bird(tmp_path: Path) -> None:
    path = tmp_path / "announced.json"
    asked = Announcer(str(path))
    with pytest.raises(Unreachable):
        asyncio.run(asked.protocols())
    words = f"{ONE} community [ 65535:0 64601:77 ] large-community [ 64601:1:2 ]"
    session = {"up": True, "told": {PREFIX: words}}
    path.write_text(json.dumps({"sessions": {"up_tor_a4": session}, "steer": {"PREFER_AWAY4": [PREFIX]}}))
    net = ip_network(PREFIX)
    assert asyncio.run(asked.exported("up_tor_a4")) == {net: {(65535, 0), (64601, 77)}}
    assert asyncio.run(asked.members([(net, "PREFER_AWAY4"), (net, "WITHDRAWN4")])) == (True, False)
    assert asyncio.run(asked.protocols())["up_tor_a4"].state == "up"


def test_what_it_cannot_do_is_said(tmp_path: Path) -> None:
    text = RACK.read_text().replace("accept: none, bfd: false, hold: 3s", "hold: 9s, keepalive: 2s", 1)
    there = 'peer: [10.1.48.2, "fd00:1:30::2"]'
    assert there in text
    sessions = 'sessions: {one-proxy-1: ["fe80::11/64"]}'
    text = text.replace(there, f'extended_next_hop: true, peer: ["fe80::1"], interface: eth1, {sessions}')
    path = tmp_path / "estate.yaml"
    path.write_text(text)
    with pytest.raises(BadEstate) as caught:
        load_estate(path)
    keys = {fault.key.rpartition(".")[2] for fault in caught.value.faults}
    assert keys >= {"accept", "bfd", "peer", "extended_next_hop", "keepalive"}, caught.value.faults
