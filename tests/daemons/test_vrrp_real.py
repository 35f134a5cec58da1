"""The rendered VRRP in two real keepalived, each in a network namespace: who holds what while their files differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from trimtab.daemons.keepalived.config import CONFIG
from trimtab.daemons.rendered import render_host
from trimtab.delivery import sandbox, systems
from trimtab.drills.owners import Owned, changes, judge
from trimtab.drills.probes.vip import addresses
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.estate.platform import PLATFORMS, Platform

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(180)]
OWN = systems.own_platform()
BASE = """\
estate: small
zone: small.example
vrrp: {preempt: false, advert: 300ms}  # a machine that stands still for a moment moves nothing
sites:
  one:
    id: 1
    at: [22.3, 114.2]
    asn: 65010
    hosts: {router: 2, proxy: 2, backend: 2}
    upstreams: {isp: {asn: 64500, peer: [198.51.100.1, "2001:db8:ff01::1"]}}
services:
  www: {names: [www.small.example], routes: [{pool: web}]}
pools:
  web: {hosts: backend, port: 8080, check: {get: /health}}
"""
UNICAST = BASE.replace("preempt: false,", "preempt: false, unicast: true,")
API = "services:\n  api: {names: [api.small.example], vip: 2, routes: [{pool: web}]}\n"
VLANS = ("vlan100", "vlan148", "vlan180", "vlan116")
SETUP = """
set -u
mkdir -p /run/netns
for v in {vlans}; do ip link add br-$v type bridge mcast_snooping 0; ip link set br-$v up; done
for h in a b; do
    ip netns add $h; nsenter --net=/run/netns/$h ip link set lo up
    nsenter --net=/run/netns/$h sh -c 'for k in all default; do echo 0 > /proc/sys/net/ipv6/conf/$k/accept_dad; done'
    for v in {vlans}; do
        ip link add $h-$v type veth peer name $v netns $h; ip link set $h-$v master br-$v up
        nsenter --net=/run/netns/$h ip link set $v up
    done
    mkdir -p /run/$h; touch /run/$h/reload
done
nsenter --net=/run/netns/a ip addr add {a} dev {own}; nsenter --net=/run/netns/b ip addr add {b} dev {own}
{block}
for h in a b; do
    nsenter --net=/run/netns/$h ip -o -ts monitor address >> /run/$h/seen &
done
put() {{ cp /etc/test/$1-$2 /run/$1/k.conf; }}
start() {{
    nsenter --net=/run/netns/$1 keepalived -n -l --vrrp -f /run/$1/k.conf -p /run/$1/pid -r /run/$1/vrrp > /run/$1/log 2>&1 &
}}
holders() {{ for h in a b; do nsenter --net=/run/netns/$h ip -o addr | grep -q ' {carrier}/' && printf $h; done; }}
lost() {{ echo "not $1 but $(holders)"; cat /run/a/log /run/b/log; exit 9; }}
await() {{ n=0; until [ "$(holders)" = "$1" ]; do n=$((n+1)); [ $n -lt 200 ] || lost $1; sleep 0.05; done; }}
take() {{ put $1 $2; echo x > /run/$1/kr; kill -HUP $(cat /run/$1/pid); while [ -e /run/$1/kr ]; do sleep 0.02; done; }}
put a 1; put b 1; start a; await a; start b; sleep 2
echo ==; nsenter --net=/run/netns/a ip -o addr; echo ==; nsenter --net=/run/netns/b ip -o addr
: > /run/a/seen; : > /run/b/seen
"""
ROLL = """
take {first} 2; sleep 2; take {second} 2; sleep 1
echo ==; cat /run/a/seen; echo ==; cat /run/b/seen
for h in a b; do echo ==; nsenter --net=/run/netns/$h ip -o addr; done; echo ==
nsenter --net=/run/netns/a sh -c 'kill $(cat /run/a/pid)'; await b; echo moved
"""
DROP = """
for h in a b; do nsenter --net=/run/netns/$h nft -f - <<Q
table inet quiet { chain out { type filter hook output priority 0; ip daddr 224.0.0.0/4 drop; ip6 daddr ff02::12 drop; }; }
Q
[ $? = 0 ] || exit 8
done
"""


@pytest.fixture(
    params=[
        pytest.param(platform, marks=[] if platform == OWN else pytest.mark.full) for platform in PLATFORMS
    ]
)
def system(request: pytest.FixtureRequest) -> Path | None:
    platform: Platform = request.param
    release = systems.wanted(platform)
    return systems.find(release, ["/usr/sbin/keepalived"]) if release else None


def files(text: str, hosts: tuple[str, str]) -> dict[str, str]:
    """Of the two hosts, with the state of each in a folder of its own."""
    inventory = Inventory(read_estate(text, "estate.yaml")[0])
    found = {}
    for key, host in zip("ab", hosts, strict=True):
        content = next(a.content for a in render_host(inventory, inventory.by_name[host]) if a.path == CONFIG)
        content = re.sub(r"/run/trimtab/\w+/(\w+)", rf"/run/{key}/\1", content)
        found[key] = content.replace("/run/keepalived.reload", f"/run/{key}/kr")
    return found


def roll(
    before: Mapping[str, str],
    after: Mapping[str, str],
    first: str,
    system: Path | None,
    folder: Path,
    *,
    role: str,
    block: str = "",
) -> Owned:
    """What happened to the addresses that both estates have."""
    made = folder / "host" / "etc" / "test"
    made.mkdir(parents=True)
    for number, each in enumerate((before, after), 1):
        for key, text in each.items():
            (made / f"{key}-{number}").write_text(text)
    tracked = sorted(set(re.findall(r'file "/run/a/(\w+)"', before["a"])))
    own, net = ("vlan148", "10.1.48") if role == "proxy" else ("vlan100", "10.1.0")
    script = SETUP.format(
        vlans=" ".join(VLANS), a=f"{net}.10/24", b=f"{net}.11/24", own=own, block=block,
        carrier=f"{net}.{250 if role == 'proxy' else 9}",
    ).replace("touch /run/$h/reload", f"for f in {' '.join(tracked)}; do echo 0 > /run/$h/$f; done")  # fmt: skip
    script += ROLL.format(first=first, second="b" if first == "a" else "a")
    reply = sandbox.run(folder / "host", folder / "extra", set(), {"it": ["sh", "-c", script]}, system)["it"]
    assert reply.code == 0 and reply.text.strip().endswith("moved"), reply.text[-3000:]
    _, at_a, at_b, seen_a, seen_b, end_a, end_b, _ = reply.text.split("==\n")
    both = set.intersection(
        *(set(re.findall(r"(?m)^ +(\S+/\d+) dev", text["a"])) for text in (before, after))
    )
    assert len(both) >= 3 and addresses(end_a) >= {a.partition("/")[0] for a in both}
    assert not addresses(end_b) & {a.partition("/")[0] for a in both}
    return judge(
        {"a": addresses(at_a), "b": addresses(at_b)}, [*changes("a", seen_a), *changes("b", seen_b)], both
    )


PROXIES, ROUTERS = ("one-proxy-1", "one-proxy-2"), ("one-router-1", "one-router-2")
CHANGES: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "vip added": ("proxy", lambda text: text.replace("services:\n", API)),
    "twenty-one more": ("proxy", lambda text: text.replace("services:\n", "services:\n" + "".join(
        f"  s{n}: {{names: [s{n}.small.example], vip: {n}, routes: [{{pool: web}}]}}\n" for n in range(2, 23)))),
    "network added": ("router", lambda text: text.replace("backend: 2}", "backend: 2, dns: 1}")),
}  # fmt: skip


@pytest.mark.parametrize("first", ["a", "b"])
@pytest.mark.parametrize("what", CHANGES)
def test_nobody_holds_an_address_twice_while_files_differ(
    what: str, first: str, system: Path | None, tmp_path: Path
) -> None:
    role, change = CHANGES[what]
    hosts = PROXIES if role == "proxy" else ROUTERS
    found = roll(files(BASE, hosts), files(change(BASE), hosts), first, system, tmp_path, role=role)
    assert found == Owned((), ())


@pytest.mark.parametrize("role", ["proxy", "router"])
def test_by_unicast_one_holds_all_where_multicast_is_dropped(
    role: str, system: Path | None, tmp_path: Path
) -> None:
    hosts = PROXIES if role == "proxy" else ROUTERS
    after = files(UNICAST.replace("services:\n", API), hosts)
    found = roll(files(UNICAST, hosts), after, "b", system, tmp_path, role=role, block=DROP)
    assert found == Owned((), ())


def test_without_unicast_both_do(tmp_path: Path) -> None:
    """So the block above is one."""
    before = files(BASE, PROXIES)
    with pytest.raises(AssertionError, match=r"not b but|assert not|len"):
        roll(before, before, "a", None, tmp_path, role="proxy", block=DROP)


def peers(text: str, host: str) -> list[str]:
    inventory = Inventory(read_estate(text, "estate.yaml")[0])
    content = next(a.content for a in render_host(inventory, inventory.by_name[host]) if a.path == CONFIG)
    return re.findall(r"(?m)^        (\d+\.\d+\.\d+\.\d+)$", content)


def test_who_joins_or_leaves_is_among_the_peers_before_and_after() -> None:
    assert peers(UNICAST, "one-proxy-1") == ["10.1.48.11", "10.1.48.12"]
    gone = UNICAST.replace("    upstreams", "    retired: [one-proxy-2]\n    upstreams")
    assert peers(gone, "one-proxy-1") == ["10.1.48.11", "10.1.48.12"]
    assert peers(UNICAST.replace("router: 2", "router: 5"), "one-router-5")[-1] == "10.1.0.15"
    own = UNICAST.replace("    upstreams", "    addresses: {one-proxy-2: 10.1.48.77}\n    upstreams")
    assert peers(own, "one-proxy-1") == ["10.1.48.77", "10.1.48.12"]
    assert peers(BASE, "one-proxy-1") == []
