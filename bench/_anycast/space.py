"""The machines of the twin's plan as namespaces with nothing but their networks and speakers: what moves a route, and no more.

A twin of the same estate has etcds, agents and HAProxys beside it, which on two cores are most of what a figure would show.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trimtab.lab.topology import Node, Topology

FRR = "/usr/lib/frr"
SPEAKS = 20.0  # seconds until a machine is there, and until a socket is
_MOUNTS = """\
mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib && mkdir -p /run/bird /run/frr /var/lib/trimtab
for part in bird frr; do ! test -d {root}/etc/$part || mount --bind {root}/etc/$part /etc/$part; done
! test -f {root}/etc/group || mount --bind {root}/etc/group /etc/group
! test -f /etc/bird/steer-none.conf || cp /etc/bird/steer-none.conf /var/lib/trimtab/steer.conf
ip link set lo up; echo there; exec sleep infinity
"""


@dataclass(slots=True)
class Machine:
    """One machine: the process that holds its namespaces, and its files' folder."""

    name: str
    root: Path
    holder: subprocess.Popen[str]

    def argv(self, words: Sequence[str]) -> list[str]:
        return ["nsenter", "-t", str(self.holder.pid), "-m", "-n", "--", *words]

    def run(self, *words: str, check: bool = True) -> str:
        """Its standard output. Raises CalledProcessError."""
        return subprocess.run(self.argv(words), stdout=subprocess.PIPE, text=True, check=check).stdout

    def popen(self, *words: str, **keywords: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(self.argv(words), text=True, **keywords)

    def birdc(self, *words: str) -> str:
        return self.run("birdc", "-s", "/run/bird/bird.ctl", *words)

    def hook(self, *words: str) -> None:
        """The proxy's own hook, which HAProxy's unit and `front-watch` call."""
        self.run("sh", str(self.root / "usr/local/lib/trimtab/front"), *words)


def machine(node: Node, scratch: Path) -> Machine:
    """Its namespaces and files, without its network."""
    root = scratch / node.name
    for each in node.files:
        path = root / each.path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(each.content)
    script = _MOUNTS.format(root=root)
    argv = ["unshare", "--net", "--mount", "sh", "-ec", script]
    holder = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    if holder.stdout.readline().strip() != "there":
        raise RuntimeError(f"no namespaces for {node.name}")
    return Machine(node.name, root, holder)


def build(topology: Topology, names: Sequence[str], scratch: Path) -> dict[str, Machine]:
    """These machines, with their cables: a bridge a segment here, a port a leg there."""
    nodes = [node for node in topology.nodes if node.name in names]
    bridges = {segment.name: f"b{i}" for i, segment in enumerate(topology.segments)}
    for bridge in bridges.values():
        _here("ip", "link", "add", bridge, "up", "type", "bridge", "mcast_snooping", "0")
    made = {node.name: machine(node, scratch) for node in nodes}
    for index, node in enumerate(nodes):
        _wire(node, made[node.name], index, bridges)
    for node in nodes:
        _speak(node, made[node.name])
    return made


def _here(*words: str) -> None:
    subprocess.run(words, check=True)


def _wire(node: Node, made: Machine, index: int, bridges: dict[str, str]) -> None:
    made.run("sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0",
             "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")  # fmt: skip
    for address in node.loopback:
        made.run("ip", "address", "add", address, "dev", "lo")
    for number, leg in enumerate(node.legs):
        port = f"p{index}n{number}"
        _here("ip", "link", "add", port, "master", bridges[leg.segment], "up", "type", "veth", "peer", "name",
              leg.interface, "netns", str(made.holder.pid))  # fmt: skip
        made.run("ip", "link", "set", leg.interface, "up")
        for address in dict.fromkeys(leg.addresses):
            made.run("ip", "address", "add", address, "dev", leg.interface)  # `accept_dad=0`: at once
    for route in node.routes:
        family, words = ("-6", route[3:]) if route.startswith("-6 ") else ("-4", route)
        made.run("ip", family, "route", "add", *words.split())


def _speak(node: Node, made: Machine) -> None:
    """Its daemons, as their units start them."""
    if "bgpd.service" in node.units:
        for daemon in ("zebra", "bfdd", "bgpd"):
            made.popen(
                f"{FRR}/{daemon}", "-f", f"/etc/frr/{daemon}.conf", "-i", f"/run/frr/{daemon}.pid", "-u", "root",
                "-g", "root", "-A", "127.0.0.1", "--vty_socket", "/run/frr", "-z", "/run/frr/zserv.api",
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            if daemon == "zebra":
                until("zebra", lambda: "zserv.api" in made.run("ls", "/run/frr"))
    elif "bird.service" in node.units:
        speaker(made)


def speaker(made: Machine) -> None:
    """BIRD, until its socket answers."""
    made.run("bird", "-c", "/etc/bird/bird.conf", "-s", "/run/bird/bird.ctl", "-P", "/run/bird.pid")


def until(what: str, holds: Callable[[], bool], seconds: float = SPEAKS) -> None:
    """Raises RuntimeError where it does not come to hold."""
    ends = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > ends:
            raise RuntimeError(f"never: {what}")
        time.sleep(0.05)


def needs() -> list[str]:
    """Programs that are not here."""
    wanted = (
        "bird",
        "birdc",
        "ip",
        "nsenter",
        "unshare",
        "exabgp",
        f"{FRR}/bgpd",
        f"{FRR}/bfdd",
        f"{FRR}/zebra",
    )
    return [each for each in wanted if shutil.which(each) is None]
