"""Cables that are cut in the middle: nothing passes, both ends keep their carrier, and mending makes them whole."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from lab_kit import output, wait_for

from trimtab.errors import BadInput
from trimtab.lab import relay
from trimtab.lab.client import Lab
from trimtab.lab.fabric import Fabric
from trimtab.lab.topology import Leg, Node, Segment

SEGMENTS = (Segment("lan"), Segment("wan", 5.0))
LEGS = (Leg("eth0", "lan"), Leg("eth1", "wan"))
A, B = Node("a", "host", legs=LEGS), Node("b", "host", legs=LEGS)


class PaperRelay:
    """What the relay was told: by pair its delay and its loss."""

    def __init__(self) -> None:
        self.pairs: list[tuple[float, float]] = []

    def join(self, pairs: list[tuple[str, str, float]]) -> list[int]:
        first = len(self.pairs)
        self.pairs += [(delay, 0.0) for _, _, delay in pairs]
        return list(range(first, len(self.pairs)))

    def port(self, pair: int, side: int, interface: str) -> None:
        """A new port changes nothing of how its pair is."""

    def set(self, pair: int, delay_ms: float, jitter_ms: float = 0, loss: float = 0) -> None:
        self.pairs[pair] = (delay_ms, loss)


class PaperFabric(Fabric):
    """Its interfaces are names in a table: up, or not."""

    def __init__(self, segments: Sequence[Segment] = SEGMENTS) -> None:
        super().__init__(segments, (A, B))
        self.up = dict.fromkeys(self._bridges.values(), True)
        self.told = PaperRelay()
        self._relay = self.told  # type: ignore[assignment]

    def _set_flag(self, device: str, *, up: bool) -> None:
        self.up[device] = up


@pytest.fixture
def fabric(monkeypatch: pytest.MonkeyPatch) -> PaperFabric:
    monkeypatch.setattr("trimtab.lab.fabric._ip", lambda lines: None)
    return PaperFabric()


def test_a_bridge_is_down_and_a_delayed_segment_loses_everything(fabric: PaperFabric) -> None:
    fabric.connect([(A, 1), (B, 2)])
    for _ in range(2):
        fabric.cut(["lan", "wan"])
        assert (fabric.up, fabric.told.pairs) == ({"b0": False}, [(5.0, 1.0)])
    for _ in range(2):
        fabric.mend(["lan", "wan"])
        assert (fabric.up, fabric.told.pairs) == ({"b0": True}, [(5.0, 0.0)])


def test_other_cables_stay_whole(fabric: PaperFabric) -> None:
    fabric.connect([(A, 1), (B, 2)])
    fabric.cut(["lan"])
    assert (fabric.up, fabric.told.pairs) == ({"b0": False}, [(5.0, 0.0)])
    fabric.mend(["lan"])
    fabric.cut(["wan"])
    assert (fabric.up, fabric.told.pairs) == ({"b0": True}, [(5.0, 1.0)])


def test_a_cable_may_be_cut_before_both_ends_are_there(fabric: PaperFabric) -> None:
    fabric.connect([(A, 1)])
    fabric.cut(["wan"])
    fabric.connect([(B, 2)])
    assert fabric.told.pairs == [(5.0, 1.0)]
    fabric.mend(["wan"])
    assert fabric.told.pairs == [(5.0, 0.0)]


def test_a_segment_that_is_not_there_is_told_and_none_is_cut(fabric: PaperFabric) -> None:
    fabric.connect([(A, 1), (B, 2)])
    with pytest.raises(BadInput, match="no segment wan2") as refused:
        fabric.cut(["lan", "wan2"])
    assert "lan, wan" in refused.value.hint
    assert (fabric.up, fabric.told.pairs) == ({"b0": True}, [(5.0, 0.0)])


TELLING = (Segment("lan", told_s=0.3), Segment("wan", 5.0, told_s=0.9))


@pytest.fixture
def telling(monkeypatch: pytest.MonkeyPatch) -> PaperFabric:
    monkeypatch.setattr("trimtab.lab.fabric._ip", lambda lines: None)
    found = PaperFabric(TELLING)
    found.connect([(A, 1), (B, 2)])
    return found


def carriers(fabric: PaperFabric, node: Node) -> dict[str, bool]:
    """By interface, as far as the fabric has set it; a new one is up."""
    return {
        leg.interface: fabric.up.get(port, True)
        for leg, port in zip(node.legs, fabric.ports(node.name), strict=True)
    }


def test_who_tells_its_ends_says_after_how_long(fabric: PaperFabric, telling: PaperFabric) -> None:
    assert telling.telling(["a"]) == telling.telling(segments=["wan", "lan"]) == {"lan": 0.3, "wan": 0.9}
    assert fabric.telling(["a", "b"], ["lan", "wan"]) == {}


def test_both_ends_of_a_cut_cable_lose_their_carrier_and_get_it_back(telling: PaperFabric) -> None:
    telling.cut(["wan"])
    telling.show_carriers(["lan", "wan"])
    assert carriers(telling, A) == carriers(telling, B) == {"eth0": True, "eth1": False}
    telling.mend(["wan"])
    telling.show_carriers(["wan"])
    assert carriers(telling, A) == carriers(telling, B) == {"eth0": True, "eth1": True}


def test_who_is_left_alone_loses_the_carrier_until_the_other_is_back(telling: PaperFabric) -> None:
    told = telling.telling(["b"])
    telling.disconnect(["b"])
    telling.show_carriers(told)
    assert carriers(telling, A) == {"eth0": False, "eth1": False}
    telling.connect([(B, 3)])
    telling.show_carriers(told)
    assert carriers(telling, A) == {"eth0": True, "eth1": True}


def test_what_was_mended_in_time_has_lost_nothing(telling: PaperFabric) -> None:
    telling.cut(["wan"])
    telling.mend(["wan"])
    telling.show_carriers(["wan"])
    assert carriers(telling, A) == {"eth0": True, "eth1": True}


# The same with the kernel's own interfaces: two nodes that are no more than a network namespace.

REAL = """
import json, os, signal, subprocess, time
from trimtab.lab.fabric import Fabric
from trimtab.lab.topology import Leg, Node, Segment

DELAY = 15.0
nodes = {
    name: Node(name, "host", legs=(Leg("lan", "lan", (f"10.0.0.{n}/24", f"fd00::{n}/64")), Leg("wan", "wan", (f"10.0.1.{n}/24",))))
    for n, name in ((1, "a"), (2, "b"))
}
fabric = Fabric((Segment("lan"), Segment("wan", DELAY)), list(nodes.values()))
fabric.lay()
booted = {}


def boot(name):
    booted[name] = subprocess.Popen(["unshare", "-n", "sleep", "60"])
    own, theirs = os.readlink("/proc/self/ns/net"), f"/proc/{booted[name].pid}/ns/net"
    while os.readlink(theirs) == own:
        time.sleep(0.01)
    fabric.connect([(nodes[name], booted[name].pid)])
    for leg in nodes[name].legs:
        for address in leg.addresses:
            inside(name, "ip", "addr", "add", address, "dev", leg.interface, *(["nodad"] if ":" in address else []))
        inside(name, "ip", "link", "set", leg.interface, "up")


def inside(name, *argv):
    return subprocess.run(["nsenter", "-t", str(booted[name].pid), "-n", *argv], capture_output=True, text=True)


def passes(address, seconds):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if inside("a", "ping", "-c", "1", "-W", "0.3", address).returncode == 0:
            return True
    return False


def seen(patience):
    # what is expected to pass is waited for; what is not is tried for a moment
    found = {a: passes(a, patience[s]) for s, a in (("lan", "10.0.0.2"), ("lan", "fd00::2"), ("wan", "10.0.1.2"))}
    links = [inside(n, "ip", "-o", "link", "show", i).stdout for n in booted for i in ("lan", "wan")]
    return {"passes": sorted(a for a, yes in found.items() if yes), "carriers": sum("LOWER_UP" in link for link in links)}


LONG, SHORT = 8.0, 0.6
stages = {}
for name in nodes:
    boot(name)
stages["whole"] = seen({"lan": LONG, "wan": LONG})
fabric.cut(["lan"])
stages["lan cut"] = seen({"lan": SHORT, "wan": LONG})
fabric.mend(["lan"])
fabric.cut(["wan"])
stages["wan cut"] = seen({"lan": LONG, "wan": SHORT})
fabric.cut(["lan"])
fabric.disconnect(["b"])
booted["b"].kill()
booted["b"].wait()
boot("b")
stages["booted while cut"] = seen({"lan": SHORT, "wan": SHORT})
fabric.mend(["lan", "wan"])
stages["mended"] = seen({"lan": LONG, "wan": LONG})
said = inside("a", "ping", "-c", "3", "-i", "0.05", "-q", "10.0.1.2").stdout
print(json.dumps({"stages": stages, "lowest": float(said.split(" = ")[1].split("/")[0]) / DELAY}))
for process in booted.values():
    process.kill()
"""


@pytest.fixture(scope="module")
def real() -> dict[str, Any]:
    relay.build()
    alone = ["unshare", "-rn", "--mount-proc", "--pid", "--fork", "--kill-child"]
    done = subprocess.run(
        [*alone, sys.executable, "-c", REAL], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


LAN, WAN = ["10.0.0.2", "fd00::2"], ["10.0.1.2"]


@pytest.mark.twin
@pytest.mark.parametrize(
    ("stage", "passing"),
    [
        ("whole", LAN[:1] + WAN + LAN[1:]),
        ("lan cut", WAN),
        ("wan cut", LAN),
        ("booted while cut", []),
        ("mended", LAN[:1] + WAN + LAN[1:]),
    ],
)
def test_what_passes_on_real_interfaces(real: dict[str, Any], stage: str, passing: list[str]) -> None:
    assert real["stages"][stage]["passes"] == passing
    assert real["stages"][stage]["carriers"] == 4, "an end has lost its carrier"


@pytest.mark.twin
def test_a_mended_segment_has_its_delay_again(real: dict[str, Any]) -> None:
    assert real["lowest"] >= 2


@pytest.mark.twin
def test_a_running_twin_cuts_and_mends(lab: Lab) -> None:
    """Over its control socket, as a drill does."""

    def page() -> str:
        return output(lab, "client", "curl", "-s", "-m", "1", "http://192.0.2.5/")

    assert page() == "hk\n"
    for _ in range(2):
        lab.cut_cables(["wan-hk"])
    try:
        assert page() == ""
        assert not lab.status()["ready"]
        assert output(lab, "client", "curl", "-s", "http://192.0.2.9/") == "sg\n"
        assert "LOWER_UP" in output(lab, "client", "ip", "link", "show", "to-hk")
        with pytest.raises(BadInput, match="no segment nowhere"):
            lab.cut_cables(["nowhere"])
    finally:
        for _ in range(2):
            lab.mend_cables(["wan-hk"])
    wait_for(lambda: page() == "hk\n", "a page again")
    lab.wait_ready(15)
