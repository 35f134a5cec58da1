"""A rendered router between two upstreams, with a proxy that announces the anchor: what one upstream does must not touch the other.

`isp` is whoever a test plays there, at 198.51.100.9. `other` (198.51.100.17) and the proxy are one BIRD in the namespace of `there`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.daemons.test_router_real import FAR, NETWORKS, OWN, START_FAR
from trimtab.agent.site.sessions import JITTER_S
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.bird.config import CONFIG
from trimtab.daemons.rendered import render_host
from trimtab.delivery import sandbox, systems
from trimtab.delivery.build import write_host
from trimtab.delivery.throwaway import ThrowawayCa, host_files, registry_passwords
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.estate.platform import PLATFORMS, Platform

ESTATE = """\
estate: small
zone: small.example
sites:
  two:
    id: 2
    at: [1.3, 103.8]
    asn: 65020
    hosts: {router: 1, proxy: 2, backend: 2}
    upstreams:
      isp: {asn: 64501, peer: [198.51.100.9], local: [198.51.100.10/29]}
      other: {asn: 64500, peer: [198.51.100.17], local: [198.51.100.18/29]}
edge: {anycast: {prefixes: [203.0.113.0/24]}}
services: {www: {names: [www.small.example], address: anycast, routes: [{pool: web}]}}
pools: {web: {hosts: backend, port: 8080}}
"""
OURS = "203.0.113.0/24"
OTHER = FAR + (
    "protocol static feed { ipv4; route 46.0.0.0/24 blackhole; route 46.0.1.0/24 blackhole; route 46.0.2.0/24 blackhole; }\n"
    "protocol bgp two { local 198.51.100.17 as 64500; neighbor 198.51.100.18 as 65020; bfd on; strict bind; connect retry time 1;\n"
    '  error wait time 1, 2; ipv4 { import all; export where proto = "feed"; }; }\n'
    "ipv4 table anchor;\n"
    "protocol static anchored { ipv4 { table anchor; }; route {anchor}/32 blackhole; }\n"
    "protocol bgp proxy { local {proxy} as 65020; neighbor {front} as 65020; direct; bfd on; strict bind; connect retry time 1;\n"
    "  error wait time 1, 2; ipv4 { table anchor; import none; next hop self; export all; }; }\n"
)
# `since`: when the sessions that nobody touches came up. `moved`: how often the other upstream was told anything of us.
WORDS = r"""
since() { ours show protocols | awk '$1 == "up_other4" || $1 == "front_14" { print $1, $4, $5 }' | tr '\n' ';'; }
bfd() { ours show bfd sessions | awk '$3 == "Up"' | wc -l; }
moved() { theirs show protocols all two | awk '/Import (updates|withdraws):/ { print $3 }' | tr '\n' ' '; }
up() { [ "$(ours show protocols | grep -c -E '^(up_other4|front_14) .*Established')" = 2 ]; }
announced() { theirs show route 203.0.113.0/24 | grep -q two; }
"""
START = "bird -f -c /etc/bird/bird.conf -s /run/bird/bird.ctl -P /run/bird.pid 2>/run/bird.log &\n"
BEGIN = (
    START
    + 'until_ "it listens" "[ -S /run/bird/bird.ctl ]"\n'
    + START_FAR
    + WORDS
    + r"""
until_ "the other is told of us" announced
until_ "the other is heard" 'ours show route 46.0.1.0/24 table wan4 | grep -q up_other4'
until_ "BFD is up" '[ "$(bfd)" = 2 ]'
until_ "and all of it stays" 'up && sleep 1 && up && announced' # both ends connect at first, and one gives way
"""
)
SAME = r"""
echo "since $(since)"; echo "moved $(moved)"; echo "bfd $(bfd)"; announced && echo "announced"
"""
Ask = Callable[..., list[str]]


def asker(platform: Platform, folder: Path) -> Ask:
    """script, further files, (from, to) in bird.conf, estate, seconds, programs, BFD's interval → the lines that it said."""
    release = systems.wanted(platform)
    system = systems.find(release, ["/usr/sbin/bird"]) if release else None

    def run(
        script: str,
        files: Sequence[Artifact] = (),
        change: tuple[str, str] = ("", ""),
        estate: str = ESTATE,
        seconds: float = sandbox.TIMEOUT_S,
        programs: Sequence[str] = (),
        bfd_ms: int = 500,
    ) -> list[str]:
        found = Inventory(read_estate(f"platform: {platform}\n{estate}", "estate.yaml")[0])
        host = found.by_name["two-router-1"]
        front = found.front("two")[0]
        names = {
            "{anchor}": str(found.anchor("two", 4)),
            "{proxy}": str(front.v4),
            "{front}": str(front.vlan.host(4, 1)),
        }
        far = OTHER
        for name, value in names.items():
            far = far.replace(name, value)
        artifacts = render_host(found, host)
        if change[0]:
            assert any(change[0] in a.content for a in artifacts if a.path == CONFIG)
        changed = [
            Artifact(a.path, slower(a.content.replace(*change) if change[0] else a.content, bfd_ms), a.mode)
            if a.path == CONFIG
            else a
            for a in artifacts
        ]
        root, extra = folder / "host", folder / "extra"
        write_host(root, (*changed, *files, Artifact("/etc/test/far.conf", slower(far, bfd_ms))))
        write_host(extra, host_files(host, ThrowawayCa("test"), registry_passwords()))
        for program in programs:
            (root / "usr/local/lib/test").mkdir(parents=True, exist_ok=True)
            shutil.copy(program, root / "usr/local/lib/test")
        nets = "\n".join(
            [
                f"network {host.vlan.interface} {host.v4}/24 {host.v6}/64 {host.vlan.v4[20]}/24 {host.vlan.v6[32]}/64",
                f"network {front.vlan.interface} {front.vlan.host(4, 1)}/24 {front.vlan.host(6, 1)}/64 {front.v4}/24 {front.v6}/64",
                "network up0 198.51.100.10/29 2001:db8:a::1/126 198.51.100.9/29 2001:db8:a::2/126",
                "network up1 198.51.100.18/29 2001:db8:b::1/126 198.51.100.17/29 2001:db8:b::2/126",
            ]
        )
        whole = NETWORKS.replace("{networks}", nets) + script
        whole += "\ntheirs down > /dev/null; ours down > /dev/null; kill $far\n"
        reply = sandbox.run(root, extra, set(), {"it": ["sh", "-c", whole]}, system, seconds)["it"]
        assert reply.code == 0 and "never:" not in reply.text, reply.text
        return reply.text.splitlines()

    return run


def untouched(said: list[str]) -> None:
    """Between two `SAME` neither the others' sessions nor BFD went down, and the other upstream was told nothing of us anew.

    BIRD reckons the times anew at each question, and differs by some milliseconds.
    """
    (before, after), (moved, still) = (
        [line for line in said if line.startswith(word)] for word in ("since", "moved")
    )
    up = re.compile(r"(\w+) up (\d+):(\d+):([\d.]+);", re.ASCII)
    began, ended = (
        {name: int(h) * 3600 + int(m) * 60 + float(s) for name, h, m, s in up.findall(line)}
        for line in (before, after)
    )
    assert began.keys() == ended.keys() == {"up_other4", "front_14"}, (before, after)
    assert all(abs(began[name] - ended[name]) < JITTER_S for name in began), (before, after)
    assert moved == still
    assert said.count("bfd 2") == said.count("announced") == 2, said


def slower(text: str, bfd_ms: int) -> str:
    """BFD that other tests on the same processors do not end, where it is not what is tested."""
    return text.replace("interval 100 ms", f"interval {bfd_ms} ms")


def each_platform() -> list[object]:
    return [pytest.param(p, marks=[] if p == OWN else pytest.mark.full) for p in PLATFORMS]
