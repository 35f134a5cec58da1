"""One proxy as it is rendered, its members and curl in a namespace of their own, on this machine's release or another's.

curl repeats by itself what it is told was not done (RFC 9113, 8.7) and what was sent on a kept connection that ended
without an answer (RFC 9112, 9.3.1): as browsers do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from trimtab.daemons.rendered import render_host
from trimtab.delivery import sandbox, systems
from trimtab.delivery.build import write_host
from trimtab.delivery.throwaway import ThrowawayCa, certificate_files, host_files
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.estate.platform import Platform

Engine = Literal["haproxy", "nginx"]
HOST, NAME = "one-proxy-1", "www.small.example"
ESTATE = """\
estate: small
zone: small.example
{platform}sites:
  one:
    id: 1
    at: [22.3, 114.2]
    asn: 65010
    hosts: {{router: 1, proxy: 1, backend: 2}}
    upstreams:
      isp: {{asn: 64500, peer: [198.51.100.1, 2001:db8:ff01::1]}}
tiers: {{proxy: {{engine: {engine}, maxconn: 500, timeouts: {{server: 5s}}}}}}
services:
  www:
    names: [www.small.example]
    routes:
      - {{path: /old/, redirect: "https://www.small.example/new/"}}
      - {{path: /split/, split: {{web: 100, next: 0}}}}
      - {{path: /kept/, pool: kept}}
      - {{path: /panic/, pool: ill}}
      - {{pool: web}}
pools:
  web: {{hosts: backend, port: 8080, {answer}balance: roundrobin, check: {{get: /health, fall: 30}}}}
  next: {{hosts: backend, port: 8081, check: {{get: /health}}}}
  kept: {{hosts: backend, port: 8082, sticky: {{by: cookie, name: KEPT}}, check: {{get: /health}}}}
  ill: {{hosts: backend, port: 8083, check: {{get: /ill, every: 200ms, fast: 100ms, fall: 1}}}}
"""
CHECKED = {
    "haproxy": "mkdir -p /run/haproxy && /usr/local/lib/trimtab/proxy-members haproxy"
    " haproxy -c -q -f /etc/haproxy/haproxy.cfg -f /run/haproxy/pools.cfg",
    "nginx": "mkdir -p /run/nginx /var/lib/nginx && /usr/local/lib/trimtab/proxy-members nginx"
    " nginx -e stderr -t -q -g 'user root;'",
}
START = {
    "haproxy": "haproxy -W -db -f /etc/haproxy/haproxy.cfg -f /run/haproxy/pools.cfg -S /run/haproxy/master.sock",
    "nginx": "nginx -e stderr -g 'daemon off; user root;'",
}
SCRIPT = """
set -e
for address in {addresses}; do ip addr add $address dev lo 2>/dev/null; done
members=
for n in 10 11; do
    for port in 8080 8081 8082 8083; do members="$members 10.1.80.$n $port b$n:$port"; done
done
python3 /etc/test/member.py $members &
waits() {{ n=0; until "$@"; do n=$((n + 1)); test $n -lt 200 || {{ echo "waited in vain: $*" >&2; exit 3; }}; sleep 0.05; done; }}
serves() {{ curl -sk -o /dev/null --max-time 1 --resolve {name}:443:{vip} https://{name}/serves; }}
members() {{ test $(ss -Hltn | grep -c ':808[0-3] ') = 8; }}
waits members
{checked}
{start} > /run/out 2>&1 &
PROXY=$!
waits serves
R="--resolve {name}:443:{vip}" U=https://{name}
{script}
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What a case of a script printed, and what the members wrote down in it."""

    said: tuple[str, ...]
    done: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Stand:
    """platform: whose programs run.  stated: whether the estate says so; else its files are for the oldest.
    answer: the pool's key, or nothing.
    """

    engine: Engine
    platform: Platform
    stated: bool
    answer: str = ""

    def inventory(self) -> Inventory:
        text = ESTATE.format(
            engine=self.engine,
            platform=f"platform: {self.platform}\n" if self.stated else "",
            answer=f"answer: {self.answer}, " if self.answer else "",
        )
        return Inventory(read_estate(text, "once.yaml")[0])

    def run(self, folder: Path, script: str) -> list[Told]:
        """One a `case` of the script. Raises AssertionError for a script that fails."""
        inventory, root, extra = self.inventory(), folder / "host", folder / "extra"
        _write(inventory, root, extra)
        vips = [str(address) for family in (4, 6) for address in inventory.vips(family)]
        members = [f"10.1.80.{n}/32" for n in (10, 11)]
        whole = SCRIPT.format(
            addresses=" ".join([*members, *(f"{v}/{128 if ':' in v else 32}" for v in vips)]),
            name=NAME, vip=vips[0], checked=CHECKED[self.engine], start=START[self.engine], script=CASES + script,
        )  # fmt: skip
        release = systems.wanted(self.platform)
        system = systems.find(release, ["/usr/sbin/haproxy"]) if release else None
        reply = sandbox.run(root, extra, set(), {"it": ["bash", "-c", whole]}, system)["it"]
        assert reply.code == 0, reply.text
        return list(_cases(reply.text))


CASES = r"""
case_() { echo "=== case"; : > /run/ledger; }
done_() { sed 's/^/did /' /run/ledger; }
"""


def _cases(text: str) -> Iterator[Told]:
    for part in text.split("=== case\n")[1:]:
        lines = part.splitlines()
        did = tuple(json.loads(line[4:]) for line in lines if line.startswith("did "))
        yield Told(tuple(line for line in lines if not line.startswith("did ")), did)


def _write(inventory: Inventory, root: Path, extra: Path) -> None:
    """The host's files, but for where HAProxy logs: there is no /dev/log."""
    host = inventory.by_name[HOST]
    write_host(root, tuple(render_host(inventory, host)))
    for config in root.glob("etc/haproxy/haproxy.cfg"):
        text = config.read_text().replace("log /dev/log local0 info", "log stderr format raw local0 info")
        config.write_text(re.sub(r"(?m)^global$", "global\n    nbthread 1", text))
    ca = ThrowawayCa("small")
    write_host(extra, (*certificate_files(inventory, ca), *host_files(host, ca, ("throwaway", "throwaway"))))
    (root / "etc/test").mkdir(parents=True)
    (root / "etc/test/member.py").write_text((Path(__file__).parent / "once_member.py").read_text())
