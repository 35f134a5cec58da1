"""Every kind of change, host by host in either order, with a stop after the first: it moves what it names and nothing else.

Owners are what the kernels tell of every change of an address; flaps what upstreams and routers know since when.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.twin.changes import BASE, CHANGES, NONE, QUICK, Entry, changed
from tests.twin.conftest import eventually, run, twin
from trimtab.drills.checkers.conduct import same_moment
from trimtab.drills.owners import Owned, Watch
from trimtab.errors import DaemonRefused
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.lab import change
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.timeout(180)]
STOP_S = 1.5  # three adverts are 0.3 s
PAIRS = (("one-router-1", "one-proxy-1"), ("one-router-2", "one-proxy-2"))
CLIENT = Path(__file__).with_name("kept_connections.py").read_text()
BIRDC = ("birdc", "-s", "/run/bird/bird.ctl", "show")
SPEAKERS = ("one-router-1", "one-router-2", "one-proxy-1", "one-proxy-2", "as64500", "as64501")
SESSION = re.compile(r"(?m)^(\S+)\s+BGP\s+\S+\s+up\s+(\S+)\s+Established")
BFD = re.compile(r"(?m)^(\S+)\s+\S+\s+Up\s+(\S+)")
ROUTE = re.compile(r"\[(to_one\S*) (\S+?)\]")
PREFIXES = ("198.18.1.0/24", "2001:db8:1::/48", "203.0.113.0/24")


NGINX = ("{preempt: false}\n", "{preempt: false, unicast: true}\ntiers: {proxy: {engine: nginx}}\n")


@pytest.fixture(scope="module")
def moves() -> Iterator[Lab]:
    with twin(BASE) as lab:
        yield lab


@pytest.fixture(scope="module")
def moves_on_trixie() -> Iterator[Lab]:
    with twin(BASE, system=["trixie"]) as lab:
        yield lab


@pytest.fixture(scope="module")
def moves_on_nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    file = tmp_path_factory.mktemp("nginx") / "estate.yaml"
    file.write_text(BASE.read_text().replace(*NGINX))
    with twin(file) as lab:
        yield lab


def inventory(lab: Lab, text: str) -> Inventory:
    rows = [row for row in lab.status()["hosts"] if row["kind"] == "host"]
    return change.some_of(read_estate(text, "estate.yaml")[0], {row["name"]: row["system"] for row in rows})


@dataclass(frozen=True, slots=True)
class Known:
    """Since when: BGP sessions by host and name, BFD ones by host and peer, routes at the upstreams by prefix and session."""

    bgp: dict[str, str]
    bfd: dict[str, str]
    routes: dict[str, str]


def known(lab: Lab) -> Known:
    found = Known({}, {}, {})
    for node in SPEAKERS:
        for name, since in SESSION.findall(run(lab, node, *BIRDC, "protocols")):
            found.bgp[f"{node} {name}"] = since
        for peer, since in BFD.findall(run(lab, node, *BIRDC, "bfd", "sessions")):
            found.bfd[f"{node} {peer}"] = since
    for node in SPEAKERS[-2:]:
        for prefix in PREFIXES:
            for name, since in ROUTE.findall(run(lab, node, *BIRDC, "route", "all", prefix)):
                found.routes[f"{prefix} {name}"] = since
    return found


@contextmanager
def connections(lab: Lab, told: dict[str, object]) -> Iterator[None]:
    """50 of them, while the body runs."""
    node = next(row["name"] for row in lab.status()["hosts"] if row["kind"] == "clients")
    argv = [sys.executable, "-c", CLIENT, "www.moves.example", "198.18.1.10", "2001:db8:1::a"]
    process = lab.popen(node, argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        told.update(json.loads(process.communicate("", timeout=30)[0]))


def give(lab: Lab, nodes: Sequence[str], wanted: Inventory) -> None:
    """A router and a proxy at the same time; a host that the estate has no more keeps what it has."""
    here = [node for node in nodes if node in wanted.by_name]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda node: lab.deliver(node, change.files(wanted, node)), here))


def bring(lab: Lab, entry: Entry, before: Inventory, after: Inventory) -> None:
    """What an operator brings: certificates, and interfaces on the routers."""
    for pair in PAIRS:
        for name in entry.networks:
            run(lab, pair[0], "sh", "-c", f"ip link add {name} type bridge; ip link set {name} up")
        for file in change.brought(before, after):
            script = ["sh", "-c", 'cat > "$1"', "write", file.path]
            lab.popen(pair[1], script, stdin=subprocess.PIPE, text=True).communicate(file.content)


CASES = [
    pytest.param(
        name, order, marks=[] if name in QUICK and (QUICK.index(name) % 2 == order) else pytest.mark.full
    )
    for name in CHANGES
    for order in (0, 1)
]


@pytest.mark.parametrize(("name", "order"), CASES)
def test_a_change_moves_only_what_it_names(moves: Lab, name: str, order: int) -> None:
    """order: which pair of a router and a proxy comes first."""
    _roll(moves, name, order)


@pytest.mark.full
@pytest.mark.parametrize("name", ["vip added", "group added", "upstream changed"])
def test_it_does_with_debian_13s_daemons(moves_on_trixie: Lab, name: str) -> None:
    _roll(moves_on_trixie, name, 0)


@pytest.mark.full
@pytest.mark.parametrize("name", ["vip added", "service changed", "pool removed"])
def test_it_does_with_nginx_and_unicast(moves_on_nginx: Lab, name: str) -> None:
    _roll(moves_on_nginx, name, 1, NGINX)


def _roll(moves: Lab, name: str, order: int, also: tuple[str, str] = ("", "")) -> None:
    """Forth, and the same way back. also: an edit of the estate's text before and after."""
    entry, before = CHANGES[name], inventory(moves, BASE.read_text().replace(*also))
    after = inventory(moves, changed(entry).replace(*also))
    bring(moves, entry, before, after)
    pairs = PAIRS if order == 0 else PAIRS[::-1]
    told: dict[str, object] = {}
    first = known(moves)
    assert len(first.bgp) >= 30 and len(first.bfd) >= 20 and len(first.routes) >= 8, first
    with (
        Watch(moves, [p[1] for p in PAIRS]) as proxies,
        Watch(moves, [p[0] for p in PAIRS]) as routers,
        connections(moves, told),
    ):
        try:
            for pair in pairs:
                give(moves, pair, after)
                time.sleep(STOP_S)
            _same(first, known(moves), entry)
        finally:
            for pair in pairs:
                give(moves, pair, before)
                time.sleep(STOP_S)
        restored = eventually(lambda: known(moves).bgp.keys() == first.bgp.keys(), 30)
    kept = [str(a) for f in (4, 6) for a in before.vips(f) if str(a) not in entry.vips]
    gateways = [str(v.host(f, 9)) for v in before.vlans("one") for f in (4, 6) if v in after.vlans("one")]
    assert proxies.owned([*kept, "10.1.48.250"]) == Owned((), ())
    assert routers.owned(gateways) == Owned((), ())
    assert told["cut"] == [] and int(str(told["answers"])) > 200, told
    assert restored
    _same(first, known(moves), entry)


def _same(first: Known, now: Known, entry: Entry) -> None:
    """Nothing began anew but what the change names."""
    named = re.compile(entry.sessions)
    assert [k for k in _begun(first.bgp, now.bgp) if not named.fullmatch(k.split()[1])] == []
    assert entry.sessions != NONE or _begun(first.bfd, now.bfd) == []
    flapped = [key.split() for key in _begun(first.routes, now.routes)]
    assert [f for f in flapped if f[0] not in entry.prefixes and not named.fullmatch(f[1])] == []


def _begun(before: dict[str, str], now: dict[str, str]) -> list[str]:
    return [key for key, since in before.items() if not same_moment(now.get(key, ""), since)]


def test_a_file_that_a_daemon_refuses_changes_nothing(moves: Lab) -> None:
    """A network whose interface the router has not: keepalived would give every gateway away."""
    after = inventory(moves, changed(CHANGES["group added"]).replace("id: 2}\nsites", "id: 9}\nsites"))
    first = run(moves, "one-router-1", "ip", "-o", "addr")
    with pytest.raises(DaemonRefused, match=r"keepalived\.conf refused by keepalived"):
        moves.deliver("one-router-1", change.files(after, "one-router-1"))
    assert run(moves, "one-router-1", "ip", "-o", "addr") == first
    again = moves.deliver("one-router-1", change.files(inventory(moves, BASE.read_text()), "one-router-1"))
    assert again["files"] == []


def test_the_command_gives_hosts_their_files(moves: Lab) -> None:
    command = [sys.executable, "-m", "trimtab", "lab", "deliver", "one-proxy-1", "one-router-1"]
    asked = [*command, "-e", str(BASE), "--name", moves.name]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "one-proxy-1: no change\none-router-1: no change\n"), (
        done.stderr
    )
