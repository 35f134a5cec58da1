"""The two tables of daemons: nothing stands in them twice, and each says of itself what the other relies upon."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.estate.make import SMALL, estate
from trimtab.daemons import rendered
from trimtab.daemons.base import Daemon, TakesUp
from trimtab.daemons.formats import FORMATS
from trimtab.daemons.rendered import render_host, unit_order, watched
from trimtab.daemons.table import Table, table
from trimtab.estate.inventory import Inventory

ROOT = Path(__file__).parents[2]
ROOMS = sorted(path.parent.name for path in (ROOT / "src/trimtab/daemons").glob("*/daemon.py"))
EVERY = SMALL.replace("proxy: 2", "proxy: 2, registry: 3")


def test_each_room_stands_in_the_table() -> None:
    assert sorted(table().daemons) == ROOMS
    rendered_rooms = {path.parent.name for path in (ROOT / "src/trimtab/daemons").glob("*/rendered.py")}
    assert {each.name for each in rendered.table()} == rendered_rooms


def test_two_of_one_name_end_the_program() -> None:
    one = table().daemons["etcd"]
    for double in (Daemon("etcd"), Daemon("other", probes=one.probes), Daemon("json", judge=one.judge)):
        with pytest.raises(ValueError, match="are called"):
            Table([one, double])


def test_what_a_daemon_needs_is_brought() -> None:
    lines = (line.split() for line in (ROOT / "scripts/packages").read_text().splitlines())
    brought = {line[0]: line[1].split("|") for line in lines if line and not line[0].startswith("#")}
    for daemon in table().daemons.values():
        for program, package in daemon.programs.items():
            assert package in brought[program], f"{program} of {daemon.name}"


def test_whoever_judges_a_file_is_known_and_whoever_is_looked_after_has_a_unit() -> None:
    for text in (EVERY, EVERY + "tiers: {proxy: {engine: nginx}}\n"):
        inventory = Inventory(estate(text))
        for host in inventory.hosts:
            files = render_host(inventory, host)
            judges = {file.validator for file in files if file.validator}
            assert judges <= set(table().validators), host.name
            units = unit_order(inventory, host)
            assert {unit.name for unit in watched(inventory, host)} == set(units) - {"trimtab-agent.service"}
            assert all(table().of_unit(unit) for unit in units), units


def test_a_proxy_is_told_before_what_moves_and_announces_its_addresses() -> None:
    units = ["trimtab-agent.service", "bird.service", "etcd-registry.service", "keepalived.service"]
    units += ["nginx.service", "strange.service"]
    turns = [table().takes_up(unit) for unit in units]
    assert turns == [TakesUp.LAST, TakesUp.ANNOUNCES, TakesUp.ANY, TakesUp.MOVES, TakesUp.SERVES, TakesUp.ANY]


def test_a_complaint_is_found_in_its_daemon_s_words() -> None:
    known = table().validators
    said = {
        "haproxy": "[ALERT] (7) : config : parsing [/etc/haproxy/haproxy.cfg:12] : unknown keyword",
        "nginx": "nginx: [emerg] unknown directive in /etc/nginx/nginx.conf:12",
        "keepalived": "(/etc/keepalived/keepalived.conf: Line 12) Unknown keyword",
        "bird": "bird: /etc/bird/bird.conf:12:4 syntax error",
    }
    for name, words in said.items():
        assert (found := known[name].place(words)) is not None
        assert found[1] == 12 and found[0].startswith(f"/etc/{name}"), found
    assert FORMATS["sh"].place("no place here") is None


def test_each_room_has_a_page() -> None:
    for room in ROOMS:
        page = ROOT / "src/trimtab/daemons" / room / "README.md"
        assert page.is_file() and 2 < len(page.read_text().splitlines()) < 60, room
