"""Delivering a change to a twin, host by host, while its addresses, sessions and connections are watched.

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

from tests.twin.changes import BASE, CHANGES, NONE, Entry, changed
from tests.twin.conftest import eventually, run
from trimtab.drills.checkers.conduct import same_moment
from trimtab.drills.owners import Owned, Watch
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.lab import change
from trimtab.lab.client import Lab

STOP_S = 2.0  # three adverts are 0.9 s
PAIRS = (("one-router-1", "one-proxy-1"), ("one-router-2", "one-proxy-2"))
CLIENT = Path(__file__).with_name("kept_connections.py").read_text()
BIRDC = "birdc -s /run/bird/bird.ctl show"
UPSTREAMS = ("as64500", "as64501")
SPEAKERS = ("one-router-1", "one-router-2", "one-proxy-1", "one-proxy-2", *UPSTREAMS)
SESSION = re.compile(r"(?m)^(\S+)\s+BGP\s+\S+\s+up\s+(\S+)\s+Established")
BFD = re.compile(r"(?m)^(\S+)\s+\S+\s+Up\s+(\S+)")
ROUTE = re.compile(r"\[(to_one\S*) (\S+?)\]")
PREFIXES = ("198.18.1.0/24", "2001:db8:1::/48", "203.0.113.0/24")


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
    with ThreadPoolExecutor() as pool:  # each starts a process in a node, and waits for it
        told = dict(zip(SPEAKERS, pool.map(lambda node: _asked(lab, node), SPEAKERS), strict=True))
    for node, (protocols, sessions, *routes) in told.items():
        found.bgp.update((f"{node} {name}", since) for name, since in SESSION.findall(protocols))
        found.bfd.update((f"{node} {peer}", since) for peer, since in BFD.findall(sessions))
        for prefix, text in zip(PREFIXES, routes, strict=True):
            if node in UPSTREAMS:
                found.routes.update((f"{prefix} {name}", since) for name, since in ROUTE.findall(text))
    return found


def _asked(lab: Lab, node: str) -> list[str]:
    """Protocols, BFD sessions, then every prefix, in one process."""
    asked = ("protocols", "bfd sessions", *(f"route all {prefix}" for prefix in PREFIXES))
    script = "; echo ==; ".join(f"{BIRDC} {words}" for words in asked)
    return run(lab, node, "sh", "-c", script).split("==\n")


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


def roll(moves: Lab, name: str, order: int, also: tuple[str, str] = ("", ""), repeats: int = 0) -> None:
    """Forth, and the same way back. also: an edit of the estate's text before and after.  repeats: how many requests may have to
    be repeated: nginx closes idle connections when it is reloaded, also just as a request comes.
    """
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
            _turns(moves, pairs, after)
            _same(first, known(moves), entry)
        finally:
            _turns(moves, pairs, before)
        restored = eventually(lambda: known(moves).bgp.keys() == first.bgp.keys(), 30)
    kept = [str(a) for f in (4, 6) for a in before.vips(f) if str(a) not in entry.vips]
    gateways = [str(v.host(f, 9)) for v in before.vlans("one") for f in (4, 6) if v in after.vlans("one")]
    assert proxies.owned([*kept, "10.1.48.250"]) == Owned((), ())
    assert routers.owned(gateways) == Owned((), ())
    assert told["cut"] == [] and int(str(told["repeated"])) <= repeats and int(str(told["answers"])) > 200, (
        told
    )
    assert restored
    _same(first, known(moves), entry)


def _turns(lab: Lab, pairs: Sequence[tuple[str, str]], wanted: Inventory) -> None:
    """One pair has the new files for a while, the other one has not."""
    give(lab, pairs[0], wanted)
    time.sleep(STOP_S)
    give(lab, pairs[1], wanted)


def _same(first: Known, now: Known, entry: Entry) -> None:
    """Nothing began anew but what the change names."""
    named = re.compile(entry.sessions)
    assert [k for k in _begun(first.bgp, now.bgp) if not named.fullmatch(k.split()[1])] == []
    assert entry.sessions != NONE or _begun(first.bfd, now.bfd) == []
    flapped = [key.split() for key in _begun(first.routes, now.routes)]
    assert [f for f in flapped if f[0] not in entry.prefixes and not named.fullmatch(f[1])] == []


def _begun(before: dict[str, str], now: dict[str, str]) -> list[str]:
    return [key for key, since in before.items() if not same_moment(now.get(key, ""), since)]
