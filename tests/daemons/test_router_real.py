"""A rendered router on the BIRD of both releases: what is on-link, what of it comes back, from where BFD comes, and a neighbour
that sends too much. Its networks are veth pairs; site `one` and the upstream are a BIRD in a network of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.bird.config import CONFIG
from trimtab.daemons.rendered import render_host
from trimtab.daemons.sysctl.config import CONFIG as SYSCTL
from trimtab.delivery import sandbox, systems
from trimtab.delivery.build import write_host
from trimtab.delivery.throwaway import ThrowawayCa, host_files, registry_passwords
from trimtab.estate import addressing
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.estate.platform import PLATFORMS, Platform

pytestmark = pytest.mark.daemon
OWN = systems.own_platform()
ESTATE = """\
estate: small
zone: small.example
sites:
  one:
    id: 1
    at: [22.3, 114.2]
    asn: 65010
    hosts: {router: 1, proxy: 2, backend: 2}
    upstreams: {isp: {asn: 64500, peer: [198.51.100.1, "2001:db8:ff01::1"]}}
  two:
    id: 2
    at: [1.3, 103.8]
    asn: 65020
    hosts: {router: 1, proxy: 2, backend: 2}
    upstreams: {isp: {asn: 64501, peer: [198.51.100.9, "2001:db8:ff02::1"]}}
edge: {anycast: {prefixes: [203.0.113.0/24, 198.18.0.0/22, "2001:db8::/44", "2001:db8:113::/48"]}}
services:
  www: {names: [www.small.example], routes: [{pool: web}]}
  api: {names: [api.small.example], address: anycast, routes: [{pool: web}]}
pools: {web: {hosts: backend, port: 8080}}
"""
# NAME A4 A6 B4 B6: a network between us and the others, who have the B addresses in a namespace of their own.
NETWORKS = """
set -u
mkdir -p /var/lib/trimtab /run/bird
cp /etc/bird/steer-none.conf /var/lib/trimtab/steer.conf; cp /etc/bird/shift-none.conf /var/lib/trimtab/shift.conf
unshare --net sleep 300 & far=$!
until [ "$(readlink /proc/$far/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
there() { nsenter --target $far --net "$@"; }
there ip link set lo up
network() {
    ip link add "$1" type veth peer name "p$1" netns "$far"
    ip link set "$1" up; there ip link set "p$1" up
    ip address add "$2" dev "$1"; ip address add "$3" dev "$1" nodad
    there ip address add "$4" dev "p$1"; there ip address add "$5" dev "p$1" nodad
}
until_() { n=0; until eval "$2"; do n=$((n + 1)); [ $n -lt 400 ] || { echo "never: $1"; exit 1; }; sleep 0.05; done; echo "$1"; }
ours() { birdc -s /run/bird/bird.ctl "$@"; }
theirs() { birdc -s /run/far.ctl "$@"; }
{networks}
"""
FAR = """\
router id 192.0.2.1;
protocol device { }
protocol bfd { interface "*" { min rx interval 100 ms; min tx interval 100 ms; multiplier 3; }; }
"""


def inventory() -> Inventory:
    return Inventory(read_estate(ESTATE, "estate.yaml")[0])


def networks() -> str:
    """Of two's router: its own, the front, the upstream, the private path."""
    found = inventory()
    host = found.by_name["two-router-1"]
    front = found.front("two")[0]
    lines = [
        f"network {host.vlan.interface} {host.v4}/24 {host.v6}/64 {host.vlan.v4[20]}/24 {host.vlan.v6[32]}/64",
        f"network {front.vlan.interface} {front.vlan.host(4, 1)}/24 {front.vlan.host(6, 1)}/64 {front.v4}/24 {front.v6}/64",
        "network uplink 198.51.100.10/29 2001:db8:ff02::2/125 198.51.100.9/29 2001:db8:ff02::1/125",
    ]
    (_, ours4, theirs4), (_, ours6, theirs6) = (addressing.private_link(f, 2, 1) for f in addressing.FAMILIES)
    lines.append(f"network private {ours4}/30 {ours6}/126 {theirs4}/30 {theirs6}/126")
    return "\n".join(lines)


def site_one() -> str:
    """Its router, as far as two's sees it."""
    text = FAR
    for family in addressing.FAMILIES:
        _, ours, theirs = addressing.private_link(family, 2, 1)
        prefix = inventory().public("one", family)
        text += (
            f"protocol static own{family} {{ ipv{family}; route {prefix} blackhole; }}\n"
            f"protocol bgp two{family} {{ local {theirs} as 65010; neighbor {ours} as 65020; direct; bfd on;\n"
            f'  ipv{family} {{ import none; next hop self; export where proto = "own{family}"; }}; }}\n'
        )
    return text


def upstream(prefixes: int) -> str:
    routes = " ".join(f"route 45.0.{n}.0/24 blackhole;" for n in range(prefixes))
    return FAR + (
        f"protocol static feed {{ ipv4; {routes} }}\n"
        "protocol bgp two { local 198.51.100.9 as 64501; neighbor 198.51.100.10 as 65020; bfd on; connect retry time 1;\n"
        "  error wait time 1, 2; ipv4 { import all; export all; }; }\n"
    )


Ask = Callable[..., list[str]]


@pytest.fixture(params=[pytest.param(p, marks=[] if p == OWN else pytest.mark.full) for p in PLATFORMS])
def ask(request: pytest.FixtureRequest, tmp_path: Path) -> Ask:
    """Runs a script on the router's files; its lines. change: (from, to) in bird.conf."""
    platform: Platform = request.param
    release = systems.wanted(platform)
    system = systems.find(release, ["/usr/sbin/bird"]) if release else None

    def run(script: str, far: str, change: tuple[str, str] = ("", "")) -> list[str]:
        found = inventory()
        host = found.by_name["two-router-1"]
        artifacts = render_host(found, host)
        if change[0]:
            assert any(change[0] in a.content for a in artifacts if a.path == CONFIG)
        changed = [
            Artifact(a.path, a.content.replace(*change), a.mode) if a.path == CONFIG and change[0] else a
            for a in artifacts
        ]
        root, extra = tmp_path / "host", tmp_path / "extra"
        write_host(root, (*changed, Artifact("/etc/test/far.conf", far)))
        write_host(extra, host_files(host, ThrowawayCa("test"), registry_passwords()))
        whole = NETWORKS.replace("{networks}", networks()) + script + "\nkill $far\n"
        reply = sandbox.run(root, extra, set(), {"it": ["sh", "-c", whole]}, system)["it"]
        assert reply.code == 0 and "never:" not in reply.text, reply.text
        return reply.text.splitlines()

    return run


START = "bird -c /etc/bird/bird.conf -s /run/bird/bird.ctl -P /run/bird.pid\n"
START_FAR = "there bird -c /etc/test/far.conf -s /run/far.ctl -P /run/far.pid\n"
ON_LINK = r"""
has() { ip route show "$1" | grep -q "$2" && ip -6 route show "$3" | grep -q "$2"; }
lacks() { [ -z "$(ip route show "$1")$(ip -6 route show "$2")" ]; }
until_ "own VIPs are on-link" 'has 198.18.2.10 "dev vlan148" 2001:db8:2::a && has 203.0.113.10 "dev vlan148" 2001:db8:113::a'
until_ "a lost site's too" 'has 198.18.1.10 "dev vlan148" 2001:db8:1::a'
"""


def test_only_vips_are_on_link_and_anothers_only_while_its_prefix_is_gone(ask: Ask) -> None:
    script = START + ON_LINK + START_FAR + r"""
until_ "its prefix leads to it" 'has 198.18.1.0/24 "dev private" 2001:db8:1::/48 && lacks 198.18.1.10 2001:db8:1::a'
ip route get 198.18.1.10 | head -1; ip -6 route get 2001:db8:1::a | head -1
theirs down > /dev/null
until_ "lost again" 'has 198.18.1.10 "dev vlan148" 2001:db8:1::a && lacks 198.18.1.0/24 2001:db8:1::/48'
python3 - <<'P'
import random, socket
def send(family, address):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        try:
            s.sendto(b"x", (address, 33434))
        except OSError:
            return 0
    return 1
four = [f"198.18.{random.choice((1, 2))}.{n}" for n in range(100, 140)] + [f"203.0.113.{n}" for n in range(100, 140)]
six = [f"2001:db8:{random.choice(('1', '2', '113'))}:{n:x}::99" for n in range(1, 80)]
print("strangers", sum(send(socket.AF_INET, a) for a in four) + sum(send(socket.AF_INET6, a) for a in six))
vips = [(socket.AF_INET, a) for a in ("198.18.1.10", "198.18.2.10", "203.0.113.10")]
vips += [(socket.AF_INET6, a) for a in ("2001:db8:1::a", "2001:db8:2::a", "2001:db8:113::a")]
print("vips", sum(send(*vip) for vip in vips))
P
echo "neighbours $(ip neigh show dev vlan148 | grep -c -E '^(198.18|203.0|2001:db8)')"
ours down > /dev/null
"""  # fmt: skip
    said = ask(script, site_one())
    assert "strangers 0" in said
    assert "vips 6" in said
    (neighbours,) = [int(line.split()[1]) for line in said if line.startswith("neighbours")]
    assert neighbours <= 6
    there = [line for line in said if line.startswith(("198.18.1.10", "2001:db8:1::a"))]
    assert len(there) == 2 and all("dev private" in line for line in there), there


def test_what_somebody_else_removes_comes_back_without_a_word_of_ours(ask: Ask) -> None:
    script = START + ON_LINK + r"""
ip route show proto bird | sort > /run/before; ip -6 route show proto bird | sort >> /run/before
ip route flush proto bird; ip -6 route flush proto bird
until_ "they are back" '{ ip route show proto bird | sort; ip -6 route show proto bird | sort; } | cmp -s - /run/before'
ours down > /dev/null
"""  # fmt: skip
    assert "they are back" in ask(script, FAR)  # within 20 s; BIRD's own interval is a minute


def test_bfd_comes_from_the_ports_that_others_expect(ask: Ask) -> None:
    script = (
        f"sysctl -q -p {SYSCTL} 2>/dev/null || :\n"
        + START
        + r"""
sockets() { ss -Huan | awk '{print $4}' | sed 's/.*://' | grep -v -E '^(3784|4784)$'; }
until_ "sessions have begun" '[ "$(sockets | wc -l)" -ge 6 ]'
echo "ports $(sockets | tr '\n' ' ')"
ours down > /dev/null
"""
    )
    (line,) = [line for line in ask(script, FAR) if line.startswith("ports")]
    ports = [int(word) for word in line.split()[1:]]
    assert len(ports) >= 6
    assert all(port >= 49152 for port in ports), ports


def test_a_neighbour_that_sends_too_much_stays_away_until_an_operator_looks(ask: Ask) -> None:
    script = (
        START
        + START_FAR
        + r"""
state() { ours show protocols up_isp4 | sed -n 's/^up_isp4 //p'; }
until_ "the limit is hit" 'state | grep -q "Route limit exceeded"'
state
theirs disable feed > /dev/null
until_ "nothing is sent" '[ "$(theirs show route count | sed -n "s/^\([0-9]*\) of.*table master4/\1/p")" = 0 ]'
ours enable up_isp4 > /dev/null
until_ "enabled, it is up" 'state | grep -q Established'
theirs down > /dev/null; ours down > /dev/null
"""
    )
    said = ask(script, upstream(10), ("import limit 1500000", "import limit 5"))
    (line,) = [line for line in said if "Route limit exceeded" in line]
    assert re.search(r"\bdown\b.*Automatic shutdown", line), line
    assert "enabled, it is up" in said
