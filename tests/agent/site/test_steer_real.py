"""Two real BIRDs with BGP between them over the loopback: what the other one hears is what counts."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.agent.steer_kit import A6, MARKED, OURS, PLAIN, A, B, conf_of

from trimtab.agent.site.steer import RouterSteer
from trimtab.agent.site.steer_file import CONF
from trimtab.daemons.bird.client import Bird
from trimtab.daemons.bird.wire import Community, Prefix
from trimtab.errors import Refused, Unreachable
from trimtab.ops.steering.wish import STEPS, Committed, Done, Orders, Step

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(120)]
T = TypeVar("T")
Heard = dict[Prefix, frozenset[Community] | None]

HEAD = """\
router id {address};
log "{folder}/{name}.log" all;
debug protocols {{ states }};
protocol device {{ }}
protocol bfd {{ }}
"""
SESSION = """\
protocol bgp {name} {{
    local {local} port {port} as {asn};
    neighbor {peer} port {peer_port} as {peer_asn};
    strict bind on;
    multihop;
    connect delay time 1;
    connect retry time 1;
    {channel}
}}
"""
# One filter names the sets itself, the other by a function; one channel keeps what it told, the other does not.
OURS_CONF = """\
include "{folder}/steer.conf";
ipv4 table wan4;
ipv6 table wan6;
protocol static origin4 {{
    ipv4 {{ table wan4; }};
    route 198.18.1.0/24 unreachable;
    route 192.88.9.0/24 unreachable;
}}
protocol static origin6 {{ ipv6 {{ table wan6; }}; route 2001:db8:1::/48 unreachable; }}
function ours6() {{ return proto = "origin6" && ! (net ~ WITHDRAWN6); }}
function away6() {{ if net ~ PREFER_AWAY6 then bgp_community.add((65535,0)); }}
"""
CHANNEL_4 = """ipv4 {
        table wan4;
        next hop self;
        export table on;
        import none;
        export filter {
            if proto != "origin4" || net ~ WITHDRAWN4 then reject;
            if net ~ PREFER_AWAY4 then bgp_community.add((65535,0));
            accept;
        };
    };"""
CHANNEL_6 = """ipv6 {
        table wan6;
        next hop address 2001:db8::1;
        import none;
        export filter { if ! ours6() then reject; away6(); accept; };
    };"""


def heard_at(communities: frozenset[Community] | None) -> Heard:
    return dict.fromkeys(OURS, communities)


HEARD = {"serve": heard_at(PLAIN), "prefer": heard_at(MARKED), "withdraw": heard_at(None)}


class Pair:
    """`ours` has the site's prefixes, `peer` is its upstream in both families. Nothing touches the kernel's routes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.running = folder, dict[str, subprocess.Popen[bytes]]()
        self.ours, self.peer = Bird(folder / "ours.ctl"), Bird(folder / "peer.ctl")
        self.write("serve")
        self._configure()
        for name in ("ours", "peer"):
            self.start(name)

    def _configure(self) -> None:
        four, six = ("127.0.0.1", "127.0.0.2"), ("127.0.0.3", "127.0.0.4")
        ports = {address: free_port(address) for address in (*four, *six)}
        ours = HEAD.format(address=four[0], folder=self.folder, name="ours") + OURS_CONF.format(
            folder=self.folder
        )
        peer = HEAD.format(address=four[1], folder=self.folder, name="peer")
        for name, (here, there), channel in (("up_x4", four, CHANNEL_4), ("up_x6", six, CHANNEL_6)):
            ours += session(name, here, there, ports, 64512, 64513, channel)
            hears = f"ipv{name[-1]} {{ import all; export none; }};"
            peer += session(name, there, here, ports, 64513, 64512, hears)
        (self.folder / "ours.conf").write_text(ours)
        (self.folder / "peer.conf").write_text(peer)

    def write(self, step: Step) -> None:
        (self.folder / CONF).write_text(conf_of(step))

    def start(self, name: str) -> None:
        paths = [
            f"-{flag}{self.folder}/{name}.{end}" for flag, end in (("c", "conf"), ("s", "ctl"), ("P", "pid"))
        ]
        self.running[name] = subprocess.Popen(["bird", "-f", *paths], stderr=subprocess.DEVNULL)

    def stop(self, name: str) -> None:
        if (process := self.running.pop(name, None)) is not None:
            process.terminate()
            process.wait(10)

    def heard(self) -> Heard:
        async def ask() -> Heard:
            found: Heard = {}
            for prefix in OURS:
                routes = await self.peer.routes(prefix)
                found[prefix] = routes[0].communities if routes else None
            return found

        return asyncio.run(ask())

    def hears(self, wanted: Heard) -> None:
        eventually(lambda: self.heard() == wanted, f"the peer hears {wanted}")

    def changes(self) -> list[str]:
        """Each change of a session's state that either end has seen. BIRD's "since" is no witness: it is reckoned from two
        clocks at each question, and differs by some milliseconds from one to the next.
        """
        logs = [(self.folder / f"{name}.log").read_text() for name in ("ours", "peer")]
        return [
            line for log in logs for line in log.splitlines() if re.search(r"up_x[46]: State changed", line)
        ]

    def up(self) -> bool:
        async def ask() -> bool:
            found = [await end.protocols() for end in (self.ours, self.peer)]
            return all(states[name].state == "up" for states in found for name in ("up_x4", "up_x6"))

        return asyncio.run(ask())

    def established(self) -> Pair:
        eventually(self.up, "both sessions are up")
        return self


def session(
    name: str, here: str, there: str, ports: dict[str, int], asn: int, peer_asn: int, channel: str
) -> str:
    return SESSION.format(
        name=name, local=here, port=ports[here], asn=asn, peer=there, peer_port=ports[there], peer_asn=peer_asn,
        channel=channel,
    )  # fmt: skip


def free_port(address: str) -> int:
    with socket.socket() as sock:
        sock.bind((address, 0))
        return int(sock.getsockname()[1])


def eventually(holds: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        try:
            if holds():
                return
        except Unreachable:  # it has just begun
            pass
        time.sleep(0.03)
    raise AssertionError(f"not within 30 s: {what}")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    if shutil.which("bird") is None:
        pytest.fail("bird is not installed: apt-get install bird2")
    found = Pair(tmp_path)
    try:
        yield found.established()
    finally:
        for name in list(found.running):
            found.stop(name)


def parses(folder: Path, steer: str) -> str:
    """What `bird -p` has against it; "" for nothing."""
    (folder / CONF).write_text(steer)
    (folder / "small.conf").write_text(
        f'router id 127.0.0.1;\ninclude "{folder}/{CONF}";\nprotocol device {{ }}\n'
        "filter f4 { if net ~ WITHDRAWN4 then reject; if net ~ PREFER_AWAY4 then accept; reject; }\n"
        "filter f6 { if net ~ WITHDRAWN6 then reject; if net ~ PREFER_AWAY6 then accept; reject; }\n"
    )
    argv = ["bird", "-p", "-c", str(folder / "small.conf")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    return "" if done.returncode == 0 else done.stderr or "refused"


@pytest.mark.parametrize("step", STEPS)
def test_bird_reads_what_we_write(tmp_path: Path, step: Step) -> None:
    assert parses(tmp_path, conf_of(step)) == ""


@pytest.mark.parametrize("name", ["PREFER_AWAY4", "WITHDRAWN4", "PREFER_AWAY6", "WITHDRAWN6"])
def test_bird_misses_each_set_that_is_left_out(tmp_path: Path, name: str) -> None:
    lines = [line for line in conf_of("serve").splitlines(keepends=True) if name not in line]
    assert "syntax error" in parses(tmp_path, "".join(lines))


def test_configure_alone_tells_the_peers_and_no_session_flaps(pair: Pair) -> None:
    pair.hears(HEARD["serve"])
    before = pair.changes()
    steps: tuple[Step, ...] = ("prefer", "withdraw", "prefer", "serve", "withdraw", "serve")
    for step in steps:
        pair.write(step)
        assert run(pair.ours.configure()) == "done"
        pair.hears(HEARD[step])
        eventually(lambda wanted=HEARD[step]: adj_rib_out(pair) == wanted, "our own Adj-RIB-Out")  # type: ignore[misc]
        assert pair.up() and pair.changes() == before
    assert "Reloading channel up_x4.ipv4" in (pair.folder / "ours.log").read_text()


def adj_rib_out(pair: Pair) -> Heard:
    told = {**run(pair.ours.exported("up_x4", [A, B])), **run(pair.ours.exported("up_x6", [A6]))}
    return {prefix: told.get(prefix) for prefix in OURS}


def test_a_configure_without_a_change_feeds_nobody(pair: Pair) -> None:
    pair.hears(HEARD["serve"])
    assert run(pair.ours.configure()) == "done"
    assert "Reloading channel" not in (pair.folder / "ours.log").read_text()


def test_after_configure_soft_only_reload_out_tells_the_peers(pair: Pair) -> None:
    pair.hears(HEARD["serve"])
    before = pair.changes()
    pair.write("withdraw")
    soft(pair)
    assert run(pair.ours.configure()) == "done"
    assert run(pair.ours.filtered("up_x4", [A, B])) == {}, "what the filter says now"
    assert adj_rib_out(pair) == HEARD["serve"], "what was told"
    run(pair.ours.reload_out("up_x4"))
    run(pair.ours.reload_out("up_x6"))
    pair.hears(HEARD["withdraw"])
    assert pair.up() and pair.changes() == before


def soft(pair: Pair) -> None:
    """Somebody's."""
    argv = ["birdc", "-s", str(pair.folder / "ours.ctl"), "configure", "soft"]
    assert (
        "Reconfigured" in subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True).stdout
    )


# ---- the controller


class Steering:
    def __init__(self, pair: Pair, settle_s: float = 30.0) -> None:
        self.done: list[Done] = []
        self.orders = Orders(None, None, (), 0.0)
        self._steer = RouterSteer(
            "a",
            "a-router-1",
            OURS,
            pair.ours,
            lambda: self.orders,
            self.done.append,
            pair.folder,
            settle_s=settle_s,
        )

    def sync(self, step: Step) -> Done:
        self.orders = Orders(Committed("a", step, "ann", "works", 1.0), None, (), 0.0)
        run(self._steer.reconcile(frozenset(self._steer.keys())))
        return self.done[-1]


def test_the_controller_takes_a_site_out_and_brings_it_back(pair: Pair) -> None:
    steering = Steering(pair)
    before = pair.changes()
    steps: tuple[Step, ...] = ("serve", "prefer", "withdraw", "prefer", "serve")
    for step in steps:
        done = steering.sync(step)
        assert done.verified, done.amiss
        pair.hears(HEARD[step])
        log = (pair.folder / "ours.log").read_text()
        assert steering.sync(step) == done
        assert (pair.folder / "ours.log").read_text() == log, "BIRD was only asked"
    assert pair.up() and pair.changes() == before


def test_the_controller_heals_what_configure_soft_left(pair: Pair) -> None:
    pair.hears(HEARD["serve"])
    pair.write("withdraw")
    soft(pair)
    steering = Steering(pair, settle_s=0.2)
    assert steering.sync("withdraw").verified
    pair.hears(HEARD["withdraw"])


def test_a_fault_in_the_configuration_changes_nothing_and_is_told(pair: Pair) -> None:
    steering, conf = Steering(pair), pair.folder / "ours.conf"
    assert steering.sync("prefer").verified
    good = conf.read_text()
    conf.write_text(good + "garbage;\n")
    with pytest.raises(Refused, match=r"ours\.conf:\d+:1 syntax error"):
        steering.sync("withdraw")
    assert not steering.done[-1].verified
    pair.hears(HEARD["prefer"])
    conf.write_text(good)
    assert steering.sync("withdraw").verified
    pair.hears(HEARD["withdraw"])


def test_a_bird_that_was_away_comes_back_as_it_was_told_last(pair: Pair) -> None:
    steering = Steering(pair)
    assert steering.sync("withdraw").verified
    before = len(pair.changes())
    pair.stop("ours")
    with pytest.raises(Unreachable):
        steering.sync("prefer")
    assert not steering.done[-1].verified
    assert len(pair.changes()) > before, "this is how a session that flaps is seen"
    pair.start("ours")
    pair.established().hears(HEARD["prefer"])
    done = steering.sync("prefer")
    assert done.verified, done.amiss
