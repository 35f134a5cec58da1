"""The fabric: the owner's own network namespace, where every cable of the twin ends.

A plain segment is a bridge, a delayed one a pair of the relay. Each leg of a node is a veth pair: its own end
in the node, the port here. So a port can go down without the nodes on the other side noticing a lost carrier,
as with a switch in between. A node that is powered on again gets new ports with the same MAC addresses.

Of cables between networks that are not the estate's, the ends are told (`Segment.told_s`): there BFD would cost as much as
on the estate's own sessions, ten packets a second each way, and is not what anybody wants to prove.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import socket
import struct
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from trimtab.errors import BadInput, TwinFailed
from trimtab.lab import relay
from trimtab.lab.priority import FIRST, Ask
from trimtab.lab.topology import Leg, Node, Segment

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
# A cable filters nothing; asked, the kernel looks at every packet for it.
NETFILTER = ("iptables", "ip6tables", "arptables")
# Plain flooding: VRRP and neighbour discovery are multicast without anybody asking for it.
BRIDGE = "type bridge stp_state 0 forward_delay 0 mcast_snooping 0"


@dataclass(frozen=True, slots=True)
class _Port:
    name: str
    segment: str


class Fabric:
    """Segments and ports. `ports(node)` are those of its present boot."""

    def __init__(
        self, segments: Sequence[Segment], nodes: Sequence[Node], priority: Ask | None = None
    ) -> None:
        self._segments = {segment.name: segment for segment in segments}
        self._bridges = {
            segment.name: f"b{number}" for number, segment in enumerate(segments) if segment.delay_ms is None
        }
        self._sides = _sides(self._segments, nodes)
        self._pairs: dict[str, int] = {}
        self._ports: dict[str, list[_Port]] = {}
        self._made = 0
        self._cut: set[str] = set()
        self._relay: relay.Relay | None = None
        self._priority = priority
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def lay(self) -> None:
        """Make the segments; the fabric itself speaks no IPv6."""
        for kind in ("all", "default"):
            Path(f"/proc/sys/net/ipv6/conf/{kind}/disable_ipv6").write_text("1")
        for table in NETFILTER:
            with contextlib.suppress(OSError):  # a kernel without it
                Path(f"/proc/sys/net/bridge/bridge-nf-call-{table}").write_text("0")
        _ip([f"link add {bridge} up {BRIDGE}" for bridge in self._bridges.values()])
        if len(self._bridges) < len(self._segments):
            self._relay = relay.Relay(relay.build())
            if self._priority:
                self._priority(self._relay.pid, FIRST)  # a wire waits for nobody

    def connect(self, nodes: Iterable[tuple[Node, int]]) -> None:
        """Give each node, known by the pid of its PID 1, its interfaces, and join them to their segments."""
        lines: list[str] = []
        booted = []
        for node, pid in nodes:
            self._ports[node.name] = [self._plug(node, leg, pid, lines) for leg in node.legs]
            booted.append(node)
        _ip(lines)
        self._join([node.name for node in booted])

    def disconnect(self, nodes: Iterable[str]) -> None:
        """Ports down, those towards survivors first: a router that sees its own proxies vanish while it can still
        speak to its upstreams would withdraw its routes, and that is no power cut. The node's own end loses its
        carrier, nobody else sees anything.
        """
        gone = [port for node in nodes for port in self._ports.pop(node, [])]
        alive = {port.segment for ports in self._ports.values() for port in ports}
        for port in sorted(gone, key=lambda p: p.segment not in alive):
            self._set_flag(port.name, up=False)

    def cut(self, segments: Iterable[str]) -> None:
        """Nothing passes any more; both ends keep their carrier, as with a cable that breaks beyond a switch.

        Raises BadInput for an unknown segment.
        """
        self._pass(segments, False)

    def mend(self, segments: Iterable[str]) -> None:
        """The opposite of `cut`."""
        self._pass(segments, True)

    def _pass(self, segments: Iterable[str], passes: bool) -> None:
        wanted = list(segments)
        if unknown := [name for name in wanted if name not in self._segments]:
            raise BadInput(
                f"there is no segment {', '.join(unknown)}", f"there are {', '.join(self._segments)}"
            )
        for name in wanted:
            (self._cut.discard if passes else self._cut.add)(name)
            if name in self._bridges:
                self._set_flag(self._bridges[name], up=passes)
            elif name in self._pairs:
                self._set_loss(name)

    def _set_loss(self, segment: str) -> None:
        if self._relay:
            delay = self._segments[segment].delay_ms or 0.0
            self._relay.set(self._pairs[segment], delay, loss=float(segment in self._cut))

    def telling(self, nodes: Iterable[str] = (), segments: Iterable[str] = ()) -> dict[str, float]:
        """Of those segments, and those that the nodes are on, which tell their ends, and after how many seconds."""
        there, asked = set(nodes), set(segments)
        return {
            name: segment.told_s
            for name, segment in self._segments.items()
            if segment.told_s is not None and (name in asked or not there.isdisjoint(self._sides[name]))
        }

    def show_carriers(self, segments: Iterable[str]) -> None:
        """The ends of each have a carrier where something can pass now, and none where nothing can."""
        for name in segments:
            ports = [port.name for ports in self._ports.values() for port in ports if port.segment == name]
            whole = name not in self._cut and len(ports) == len(self._sides[name])
            for port in ports:
                self._set_flag(port, up=whole)

    def ports(self, node: str) -> list[str]:
        return [port.name for port in self._ports.get(node, [])]

    def _plug(self, node: Node, leg: Leg, pid: int, lines: list[str]) -> _Port:
        self._made += 1
        port = _Port(f"p{self._made}", leg.segment)
        mac = mac_address(node.name, leg.interface)
        lines.append(f"link add {port.name} type veth peer name {leg.interface} address {mac} netns {pid}")
        bridge = self._bridges.get(leg.segment)
        lines.append(f"link set {port.name} {f'master {bridge} ' if bridge else ''}up")
        return port

    def _join(self, nodes: Sequence[str]) -> None:
        """Tell the relay of new ports: a pair when both sides are first there, afterwards a side."""
        fresh = {
            port.segment: None
            for node in nodes
            for port in self._ports[node]
            if port.segment not in self._bridges
        }
        new = [name for name in fresh if name not in self._pairs and self._both(name)]
        if self._relay is None:
            return
        joined = [(a, b, self._segments[name].delay_ms or 0.0) for name in new for a, b in [self._both(name)]]
        self._pairs |= dict(zip(new, self._relay.join(joined), strict=True))
        for name in self._cut.intersection(new):
            self._set_loss(name)
        for node in nodes:
            for port in self._ports[node]:
                if port.segment in self._pairs and port.segment not in new:
                    self._relay.port(
                        self._pairs[port.segment], self._sides[port.segment].index(node), port.name
                    )

    def _both(self, segment: str) -> tuple[str, ...]:
        """The ports of a delayed segment, side 0 first; empty if one is missing."""
        found = [
            port.name
            for node in self._sides[segment]
            for port in self._ports.get(node, [])
            if port.segment == segment
        ]
        return tuple(found) if len(found) == 2 else ()

    def _set_flag(self, device: str, *, up: bool) -> None:
        """By ioctl: a power cut does not wait until a program has started."""
        request = struct.pack("16sh14x", device.encode(), 0)
        try:
            flags = struct.unpack("16sh14x", fcntl.ioctl(self._socket, SIOCGIFFLAGS, request))[1]
            flags = flags | IFF_UP if up else flags & ~IFF_UP
            fcntl.ioctl(self._socket, SIOCSIFFLAGS, struct.pack("16sh14x", device.encode(), flags))
        except OSError as error:
            if error.errno == errno.ENODEV:  # the node has died by itself and taken the port along
                return
            raise TwinFailed(
                f"{device} of the fabric cannot be set {'up' if up else 'down'}: {error}"
            ) from error


def mac_address(node: str, interface: str) -> str:
    """A locally administered address, the same at every boot."""
    digest = hashlib.sha256(f"{node}/{interface}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5]))


def client_neighbours(nodes: Sequence[Node]) -> dict[str, list[str]]:
    """Per node, arguments of `ip neigh replace` for the addresses of clients on its segments.

    One node stands for hundreds of clients, and the kernel's neighbour table, 1,024 entries by default, is one for
    all namespaces of the machine: learned, these addresses would fill it for every twin and the machine itself.
    Permanent entries do not count.
    """
    known: dict[str, list[tuple[str, str]]] = {}
    for node in nodes:
        for leg in node.legs if node.kind == "clients" else ():
            mac = mac_address(node.name, leg.interface)
            known.setdefault(leg.segment, []).extend((each.partition("/")[0], mac) for each in leg.addresses)
    return {
        node.name: [
            f"{address} lladdr {mac} dev {leg.interface} nud permanent"
            for leg in node.legs
            for address, mac in known.get(leg.segment, ())
        ]
        for node in nodes
        if node.kind != "clients"
    }


def _sides(segments: dict[str, Segment], nodes: Sequence[Node]) -> dict[str, list[str]]:
    """Per segment the nodes on it.

    Raises BadInput for an unknown segment, or a delayed one without exactly two legs.
    """
    sides: dict[str, list[str]] = {name: [] for name in segments}
    for node in nodes:
        for leg in node.legs:
            if leg.segment not in sides:
                raise BadInput(
                    f"{node.name}: {leg.interface} is on segment {leg.segment}, which the topology has not"
                )
            sides[leg.segment].append(node.name)
    for name, found in sides.items():
        if segments[name].delay_ms is not None and len(set(found)) != 2:
            raise BadInput(
                f"segment {name} has a delay and {len(found)} legs", "a delayed segment joins two nodes"
            )
    return sides


def _ip(lines: list[str]) -> None:
    if not lines:
        return
    done = subprocess.run(
        ["ip", "-batch", "-"],
        input="\n".join(lines),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        raise TwinFailed(f"the fabric could not be laid: {done.stdout.strip()[-500:]}")
