"""A host of an estate on a machine that systemd runs: what `trimtab build` renders, what its operator brings, its networks.

Nothing of the twin's own is here: the files are those of `build`, byte for byte. Who stands at the other end of each
network (`far`) has the addresses of all pools' members and answers every request with 200.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from tests.systemd import network_kit
from tests.systemd.machine_kit import Machine
from tests.systemd.network_kit import NETWORKD
from tests.systemd.nspawn_kit import ROOT, booted
from trimtab.daemons import pki
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.pools import servers, used
from trimtab.daemons.rendered import render_host, unit_order
from trimtab.delivery.build import write_host
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.load import read_estate
from trimtab.lab.plan import plan
from trimtab.lab.topology import Node

FAR = "far.service"
_FAR = """\
import http.server, socketserver, sys, threading

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(b"far")
    do_HEAD = do_GET
    def log_message(self, *_): pass

class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

for port in map(int, sys.argv[1:]):
    threading.Thread(target=Server(("0.0.0.0", port), Page).serve_forever).start()
"""


@dataclass(frozen=True, slots=True)
class OnSystemd:
    """A delivered host. artifacts: what `build` renders for it.  units: in the order in which they start."""

    machine: Machine
    inventory: Inventory
    host: Host
    node: Node
    artifacts: tuple[Artifact, ...]
    units: tuple[str, ...]

    def file(self, path: str) -> str:
        return next(artifact.content for artifact in self.artifacts if artifact.path == path)

    def write(self, path: str, content: str) -> None:
        """As a delivery does: beside it, and renamed."""
        place = self.machine.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f".{place.name}.new")
        beside.write_text(content)
        beside.rename(place)

    def read(self, path: str) -> str:
        """Asked inside: what has been delivered is reached by links. Raises FileNotFoundError."""
        reply = self.machine.run("cat", path, fine=False)
        if reply.code:
            raise FileNotFoundError(reply.text)
        return reply.text

    def drop_in(self, unit: str, text: str) -> None:
        """A piece of its own on top of a unit, as hardening guides have it."""
        self.write(f"/etc/systemd/system/{unit}.d/test.conf", text)
        self.machine.run("systemctl", "daemon-reload")

    def deliver(self, artifacts: Sequence[Artifact]) -> tuple[int, dict[str, Any]]:
        """By the host's own part of a delivery, with its systemd: exit code, and what it says."""
        self.write("/run/new.json", json.dumps([asdict(artifact) for artifact in artifacts]))
        take = "/opt/trimtab/bin/python -I -m trimtab.delivery.take < /run/new.json"
        reply = self.machine.sh(take, timeout=120, fine=False)
        assert reply.lines and reply.lines[-1].startswith("{"), reply.text
        return reply.code, json.loads(reply.lines[-1])

    def start(self) -> None:
        self.machine.run("systemctl", "enable", "--now", "--no-block", *self.units)

    def active(self, unit: str) -> bool:
        return self.machine.property(unit, "ActiveState") == "active"

    def await_active(self, *units: str, seconds: float = 45) -> None:
        for unit in units or self.units:
            self.machine.until(f"{unit} is active", partial(self.active, unit), seconds, unit)


def inventory_of(text: str) -> Inventory:
    """Of an estate's text, or of an example's name, for as many connections as any machine lets its processes have."""
    if "\n" not in text:
        text = (ROOT / "examples" / text / "estate.yaml").read_text()
    return Inventory(read_estate(re.sub(r"maxconn: \d+", "maxconn: 4000", text))[0], shrink=True)


@contextmanager
def on_systemd(release: str, inventory: Inventory, name: str) -> Iterator[OnSystemd]:
    """The host `name` of an estate; all of its units are active."""
    with _placed(release, inventory, name) as found:
        _connect(found.machine, inventory, found.host, found.node)
        found.machine.run("systemctl", "daemon-reload")
        found.machine.run("systemctl", "restart", "systemd-sysctl.service")
        found.start()
        found.await_active()
        yield found


@contextmanager
def before_its_boot(release: str, inventory: Inventory, name: str) -> Iterator[OnSystemd]:
    """The same, but with all that a boot needs, systemd-networkd's files too, and nothing of it has been started."""
    with _placed(release, inventory, name) as found:
        for path, text in network_kit.files(found.node).items():
            found.write(path, text)
        found.machine.run("systemctl", "daemon-reload")
        found.machine.run("systemctl", "enable", NETWORKD, *found.units)
        yield found


@contextmanager
def _placed(release: str, inventory: Inventory, name: str) -> Iterator[OnSystemd]:
    host = next(host for host in inventory.hosts if host.name == name)
    node = next(node for node in plan(inventory, "systemd").nodes if node.name == name)
    with booted(release, name) as machine:
        artifacts = render_host(inventory, host)
        _bring(machine, node, artifacts)
        write_host(machine.root, artifacts)
        yield OnSystemd(machine, inventory, host, node, artifacts, unit_order(inventory, host))


# ---- networks


def _connect(machine: Machine, inventory: Inventory, host: Host, node: Node) -> None:
    """Each interface is one end of a veth pair; the other ends are in a network of their own."""
    pools = [pool for _, pool in used(inventory)]
    ports = sorted({pool.port for pool in pools if pool.port})
    (machine.root / "usr/local/lib/far.py").write_text(_FAR)
    machine.run(
        "systemd-run", f"--unit={FAR}", "--property=PrivateNetwork=yes", "/usr/bin/python3", "/usr/local/lib/far.py",
        *map(str, ports),
    )  # fmt: skip
    found = [server for pool in pools for server in servers(inventory, pool, host.site) if not server.empty]
    members = sorted({server.address.rsplit(":", 1)[0] for server in found})
    far = f"nsenter --target {machine.pid(FAR)} --net"
    lines = ["set -e", "ip link set lo up"]
    for number, leg in enumerate(node.legs):
        lines += [
            f"ip link add {leg.interface} type veth peer name far{number}",
            f"ip link set {leg.interface} up",
        ]
        lines += [
            f"ip address add {address} dev {leg.interface} {_nodad(address)}" for address in leg.addresses
        ]
        lines += [f"ip link set far{number} netns {machine.pid(FAR)}", f"{far} ip link set far{number} up"]
    for route in node.routes:
        family, way = ("-6 ", route[3:]) if route.startswith("-6 ") else ("", route)
        gateway = way.split()[-1]
        lines += [f"{far} ip address add {gateway}/{64 if family else 24} dev far0 {_nodad(gateway)}"]
        lines += [f"ip {family}route add {way}"]
    if node.routes:
        lines += [f"{far} ip address add {member} dev lo" for member in members if ":" not in member]
    machine.sh("\n".join(lines))


def _nodad(address: str) -> str:
    return "nodad" if ":" in address else ""


# ---- what the operator brings


def _bring(machine: Machine, node: Node, artifacts: tuple[Artifact, ...]) -> None:
    """Certificates and passwords, made up, with the owners that docs/estate.md asks for."""
    rendered = {artifact.path for artifact in artifacts}
    secrets = [f for f in node.files if f.path not in rendered and f.path.startswith("/etc/trimtab/")]
    write_host(machine.root, tuple(secrets))
    etcd, haproxy = "registry" in node.roles or "store" in node.roles, "/etc/haproxy/haproxy.cfg" in rendered
    for file in secrets:
        if file.path.startswith("/etc/trimtab/secrets/"):
            machine.run("chown", "bird", file.path)
        elif file.path.startswith("/etc/trimtab/tls/") and haproxy:
            machine.run("chown", "haproxy", file.path)
        elif file.path == pki.KEY and (etcd or haproxy):
            machine.run(
                "chown", f"{'etcd' if etcd else 'root'}:{'haproxy' if haproxy else 'root'}", file.path
            )
            machine.run("chmod", "0640", file.path)
