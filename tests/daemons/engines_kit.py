"""One estate for both engines, and a place to run them in: a namespace with the rendered files at their real paths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trimtab.daemons.rendered import render_host
from trimtab.delivery import sandbox, systems
from trimtab.delivery.build import write_host
from trimtab.delivery.throwaway import ThrowawayCa, certificate_files
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.estate.platform import Platform

INSIDE = Path(__file__).parent / "inside"
ESTATE = """\
estate: small
zone: small.example
platform: {platform}
sites:
  one:
    id: 1
    at: [22.3, 114.2]
    asn: 65010
    hosts: {{router: 1, proxy: 1, backend: 3}}
    upstreams: {{isp: {{asn: 64500, peer: [198.51.100.1]}}}}
tiers:
  proxy: {{engine: {engine}, maxconn: 500, timeouts: {{connect: 200ms, client: 8s, server: 4s, tunnel: 20s{drain}}}}}
services:
  www:
    names: [www.small.example]
    tls: {{hsts: 1y}}
    routes:
      - {{path: /old, redirect: "https://elsewhere.example/"}}
      - {{path: /new, pool: redirect0}}
      - {{path: /kept, pool: web, expires: 1h}}
      - {{path: /quick, pool: quick}}
      - {{path: /only-get, method: [GET], pool: web}}
      - {{header: {{X-Kind: "Blue, one"}}, path: /echo, redirect: "https://blue.example/"}}
      - {{path: /, method: [GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE], pool: web}}
pools:
  web: {{hosts: backend, port: 8080, check: {{get: /health}}}}
  quick: {{hosts: backend, port: 8081, answer: 400ms, check: {{get: /health}}}}
  redirect0: {{hosts: backend, port: 8082, check: {{get: /new/health}}}}
"""
SPARE = """\
  tab: {hosts: backend, port: 8081, backup: spare, sticky: {by: table}, check: {get: /health, every: 300ms, fast: 100ms}}
  cook: {hosts: backend, port: 8082, backup: spare, sticky: {by: cookie}, check: {get: /health, every: 300ms, fast: 100ms}}
"""
ADDRESSES = ("198.18.1.10", "10.1.48.10", "10.1.80.10", "10.1.80.11", "10.1.80.12", "10.1.81.10")
START = {
    "haproxy": """
mkdir -p /run/haproxy
conf='-f /etc/haproxy/haproxy.cfg -f /run/haproxy/pools.cfg'
/usr/local/lib/trimtab/proxy-members haproxy /usr/sbin/haproxy -c -q $conf
exec /usr/sbin/haproxy -W -S /run/haproxy/master.sock $conf
""",
    "nginx": """
mkdir -p /run/nginx
/usr/local/lib/trimtab/proxy-members nginx /usr/sbin/nginx -e stderr -g 'user root;' -t -q -c /etc/nginx/nginx.conf
exec /usr/sbin/nginx -e stderr -g 'daemon off; user root;' -c /etc/nginx/nginx.conf
""",
}


def estate(engine: str, platform: Platform = "debian-12", drain: str = "") -> str:
    return ESTATE.format(engine=engine, platform=platform, drain=f", drain: {drain}" if drain else "")


def with_spare(platform: Platform) -> str:
    """HAProxy with two sticky pools of the same members and a spare one."""
    text = estate("haproxy", platform).replace("backend: 3}", "backend: 3, spare: 1}")
    text = text.replace("tiers:", "groups: {spare: {id: 1, roles: [backend]}}\ntiers:")
    routes = "      - {path: /table, pool: tab}\n      - {path: /cookie, pool: cook}\n"
    return text.replace("    routes:\n", f"    routes:\n{routes}") + SPARE


class Place:
    """A proxy's rendered files with a certificate, and the scripts of `inside` in /etc/test."""

    def __init__(self, text: str, folder: Path, platform: Platform) -> None:
        self.host, self.extra = folder / "host", folder / "extra"
        release = systems.wanted(platform)
        self.system = systems.find(release, ["/usr/sbin/haproxy", "/usr/sbin/nginx"]) if release else None
        inventory = Inventory(read_estate(text, "engines.yaml")[0])
        write_host(self.host, render_host(inventory, inventory.by_name["one-proxy-1"]))
        write_host(self.extra, certificate_files(inventory, ThrowawayCa("engines")))
        test = self.host / "etc/test"
        test.mkdir()
        for each in INSIDE.glob("*.py"):
            (test / each.name).write_text(each.read_text())
        for engine, script in START.items():
            (test / f"{engine}.sh").write_text(script)

    def run(self, *command: str) -> Any:
        """The JSON that a script of `inside` prints. Raises AssertionError with what it said instead."""
        words = " ".join(command)
        text = self.shell(
            f"cd /etc/test; python3 -B {words} 2>/run/said || {{ cat /run/said; cat /run/engine.log; }}"
        )
        lines = text.strip().splitlines()
        assert lines and lines[-1].startswith("{"), text
        return json.loads(lines[-1])

    def shell(self, script: str) -> str:
        """What it says, where the host's addresses are."""
        addresses = "".join(f"ip addr add {each}/32 dev lo\n" for each in ADDRESSES)
        commands = {"it": ["sh", "-c", addresses + script]}
        return sandbox.run(self.host, self.extra, set(), commands, self.system, 150)["it"].text
