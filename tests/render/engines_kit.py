"""One estate for both engines, and a place to run them in: a namespace with the rendered files at their real paths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trimtab.delivery import sandbox, systems
from trimtab.delivery.build import write_host
from trimtab.delivery.throwaway import ThrowawayCa, certificate_files
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.estate.platform import Platform
from trimtab.render.host import render_host

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
ADDRESSES = ("198.18.1.10", "10.1.48.10", "10.1.80.10", "10.1.80.11", "10.1.80.12")
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
        addresses = "; ".join(f"ip addr add {each}/32 dev lo" for each in ADDRESSES)
        words = " ".join(command)
        script = f"{addresses}; cd /etc/test; python3 -B {words} 2>/run/said || {{ cat /run/said; cat /run/engine.log; }}"
        reply = sandbox.run(self.host, self.extra, set(), {"it": ["sh", "-c", script]}, self.system, 150)[
            "it"
        ]
        lines = reply.text.strip().splitlines()
        assert lines and lines[-1].startswith("{"), reply.text
        return json.loads(lines[-1])
