"""What one sitting measures: the anchor goes, the proxies' power goes, a peer's check fails, a site is moved as planned."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from _anycast.routes import Ways
from _anycast.space import Machine, build, speaker, until
from trimtab.agent.site.steer_file import Steered, text
from trimtab.estate.addressing import FAMILIES
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate
from trimtab.lab.plan import plan

ESTATE = Path(__file__).parent / "estate.yaml"
FLOWS = Path(__file__).parent / "flows.py"
PROXIES = ("one-proxy-1", "one-proxy-2", "two-proxy-1")
MACHINES = ("as64500", "one-router-1", "two-router-1", *PROXIES, "clients-default")
PREFIXES = ("203.0.113.0/24", "2001:db8:113::/48")
ONE, TWO = "s1u0", "s2u0"  # where the upstream sends them
VIP, SOURCES = "203.0.113.10", [f"198.19.1.{n}" for n in range(10, 30)]
SETTLE_S, RATE, KEPT = 2.0, 200, 50
BACK_S = 30.0
# `--interval` and `--fall`; the second is what ExaBGP takes without being told
PEERS = {"exabgp-healthcheck 1 s x 3": (1, 3), "exabgp-healthcheck 5 s x 3, its defaults": (5, 3)}
EXABGP = """\
process watch {{
    run /usr/bin/python3 -m exabgp healthcheck --cmd "curl -sf -m 1 -o /dev/null http://127.0.0.1:8080/" --interval {interval}
        --fall {fall} --rise 1 --fast-interval {interval} --ip 10.1.255.1/32 --no-ip-setup --withdraw-on-down --start-ip 0 --no-syslog;
    encoder text;
}}
neighbor 10.1.48.1 {{
    router-id 10.1.48.10; local-address 10.1.48.10; local-as 65010; peer-as 65010; hold-time 9;
    api {{ processes [ watch ]; }}
}}
"""


class Sitting:
    def __init__(self, scratch: Path) -> None:
        self.inventory = Inventory(load_estate(ESTATE))
        self.scratch = scratch
        self.at = build(plan(self.inventory, "bench-anycast"), MACHINES, scratch)
        for name in PROXIES:
            self._healthy(name)
        self.ways = Ways(self.at["as64500"])
        self.back()

    def _healthy(self, name: str) -> None:
        for part in ("process", "health", "ready"):
            self.at[name].hook("set", part, "up")

    def back(self) -> None:
        self.ways.moved(PREFIXES, ONE, BACK_S)
        time.sleep(0.5)

    def anchor_gone(self) -> float:
        """The last healthy proxy of the site ends. From its unit's hook, which takes the anchor away."""
        self.at["one-proxy-1"].hook("set", "process", "down")
        time.sleep(0.3)
        began = time.monotonic()
        self.at["one-proxy-2"].hook("set", "process", "down")
        took = self.ways.moved(PREFIXES, TWO, BACK_S) - began
        for name in PROXIES[:2]:
            self._healthy(name)
        self.back()
        return took

    def power_gone(self) -> float:
        """Both proxies' cables go dark: nobody says goodbye, the routers' BFD notices."""
        wires = [_other_end(self.at[name], "vlan148") for name in PROXIES[:2]]
        began = time.monotonic()
        for wire in wires:
            subprocess.run(["ip", "link", "set", wire, "down"], check=True)
        took = self.ways.moved(PREFIXES, TWO, BACK_S) - began
        for wire in wires:
            subprocess.run(["ip", "link", "set", wire, "up"], check=True)
        self.back()
        return took

    @contextmanager
    def healthcheck(self, interval: int, fall: int) -> Iterator[Callable[[], float]]:
        """ExaBGP announces the anchor in the place of our BIRD and hooks; what is given loses the pool and says when it moved."""
        proxy, router = self.at["one-proxy-1"], self.at["one-router-1"]
        self.at["one-proxy-2"].hook("set", "process", "down")
        proxy.birdc("down")
        conf = self.scratch / "exabgp.conf"
        conf.write_text(EXABGP.format(interval=interval, fall=fall).replace("\n        --fall", " --fall"))
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        pool = proxy.popen(sys.executable, "-m", "http.server", "8080", cwd=self.scratch, **quiet)
        env = {"exabgp.daemon.user": "root", "exabgp.log.destination": "stderr", "exabgp.api.cli": "false"}
        log = (self.scratch / "exabgp.log").open("w")
        peer = proxy.popen("exabgp", str(conf), env={**os.environ, **env}, stdout=log, stderr=log)
        try:
            until(
                "ExaBGP's session", lambda: "Established" in router.birdc("show", "protocols", "front_14"), 40
            )
            self.ways.moved(PREFIXES[:1], ONE, BACK_S + 2 * interval)
            time.sleep(2 * interval)

            def lose() -> float:
                began = time.monotonic()
                pool.kill()
                return self.ways.moved(PREFIXES[:1], TWO, BACK_S) - began

            yield lose
        except RuntimeError as error:
            raise RuntimeError(
                f"{error}; ExaBGP: {(self.scratch / 'exabgp.log').read_text()[-1500:]}"
            ) from error
        finally:
            peer.send_signal(signal.SIGTERM)
            pool.kill()
            peer.wait(20)
            speaker(proxy)
            self._healthy("one-proxy-2")
            self.back()

    def planned(self) -> dict[str, Any]:
        """A drain as the agent steers it: second choice, `settle`, withdrawn. New connections all along, and some that are kept."""
        quiet = {"stdout": subprocess.DEVNULL}
        servers = [self.at[name].popen(sys.executable, str(FLOWS), "serve", name.split("-")[0], **quiet)
                   for name in ("one-proxy-1", "two-proxy-1")]  # fmt: skip
        for name in ("one-proxy-1", "two-proxy-1"):  # what VRRP does where there is a second one
            self.at[name].run("ip", "address", "replace", f"{VIP}/32", "dev", "vlan148")
        time.sleep(0.7)
        words = [sys.executable, str(FLOWS), "ask", VIP, str(RATE), str(KEPT), *SOURCES]
        clients = self.at["clients-default"].popen(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            time.sleep(3)
            began = time.monotonic()
            self.steer("prefer")
            moved = self.ways.moved(PREFIXES, TWO, BACK_S) - began
            time.sleep(SETTLE_S)
            self.steer("withdraw")
            time.sleep(3)
            found: dict[str, Any] = json.loads(clients.communicate(timeout=10)[0])
            self.steer("serve")
            self.back()
            return found | {"moved_s": moved, "began": began}
        finally:
            clients.kill()
            for server in servers:
                server.kill()

    def steer(self, step: Any) -> None:
        """As the agent writes it, and BIRD told."""
        host = self.at["one-router-1"]
        prefixes = [each for family in FAMILIES for each in self.inventory.announced("one", family)]
        conf = self.scratch / "steer.conf"
        conf.write_text(text(Steered.of(step, prefixes)))
        host.run("cp", str(conf), "/var/lib/trimtab/steer.conf")
        host.birdc("configure")


def _other_end(machine: Machine, interface: str) -> str:
    """Of a machine's cable: the port of our bridge."""
    (own,) = json.loads(machine.run("ip", "-j", "link", "show", interface))
    ports = json.loads(
        subprocess.run(["ip", "-j", "link"], stdout=subprocess.PIPE, text=True, check=True).stdout
    )
    return next(str(port["ifname"]) for port in ports if port["ifindex"] == own["link_index"])
