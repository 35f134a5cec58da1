"""Black holes of a rendered router on the BIRD of both releases: what the kernel drops, and which of the networks around it hear what.

The far side is one BIRD with a table for each network that it plays, and a proxy whose anchor holds up the prefix.
"""

from __future__ import annotations

import time

import pytest

from tests.daemons.test_policy_real import heard
from tests.daemons.test_router_real import NETWORKS, OWN, START, START_FAR
from trimtab.agent.site.blackhole_file import text
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.bird.blackhole import NO_HOLES, accepting
from trimtab.daemons.rendered import render_host
from trimtab.delivery import sandbox, systems
from trimtab.delivery.build import write_host
from trimtab.delivery.throwaway import ThrowawayCa, host_files, registry_passwords
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.estate.platform import PLATFORMS, Platform
from trimtab.ops.blackhole.hole import Hole

pytestmark = pytest.mark.daemon
ESTATE = """\
estate: small
zone: small.example
sites:
  one:
    id: 1
    at: [22.3, 114.2]
    asn: 64496
    public: [203.0.113.0/24, "2001:db8:1::/48"]
    hosts: {router: 1, proxy: 2, backend: 2}
    upstreams:
      plain:
        {asn: 64500, peer: [192.0.2.0, "2001:db8:a::2"], local: [192.0.2.1/31, "2001:db8:a::1/126"], bfd: false, blackhole: true,
         prepend: 1}
      own: {asn: 64501, peer: [192.0.2.4], local: [192.0.2.5/31], bfd: false, blackhole: "64501:666"}
      large: {asn: 64502, peer: [192.0.2.8], local: [192.0.2.9/31], bfd: false, blackhole: "64502:666:0"}
      deaf: {asn: 64503, peer: [192.0.2.12], local: [192.0.2.13/31], bfd: false}
      peer: {asn: 64504, role: peer, peer: [192.0.2.16], local: [192.0.2.17/31], bfd: false}
      server: {asn: 64505, role: route-server, peer: [192.0.2.20], local: [192.0.2.21/31], bfd: false}
services: {www: {names: [www.small.example], routes: [{pool: web}]}}
pools: {web: {hosts: backend, port: 8080}}
"""
# name, AS, the last octet of its address
FAR = (
    ("plain", 64500, 0), ("own", 64501, 4), ("large", 64502, 8), ("deaf", 64503, 12), ("peer", 64504, 16), ("server", 64505, 20),
)  # fmt: skip
A, B, C, PAST = "203.0.113.10", "203.0.113.77", "2001:db8:1::a", "203.0.113.99"
SCRIPT = r"""
there birdc -s /run/far.ctl show status > /dev/null
until_ "all are up" '[ "$(ours show protocols | grep -c "^up_.*Established")" = 7 ]'
until_ "the prefix is told" 'theirs show route table deaf4 203.0.113.0/24 | grep -q to_deaf4'
echo "BEFORE"; theirs show route table plain4 203.0.113.0/24 | grep to_plain4
echo "ROUTE0"; ip route get 203.0.113.10 2>&1 | head -1
cp /etc/test/holes.conf /var/lib/trimtab/blackhole.conf
/usr/local/lib/trimtab/bird-steer
ours configure | tail -1
until_ "it is told" 'theirs show route table plain4 203.0.113.10/32 | grep -q to_plain4'
until_ "it is told in IPv6" 'theirs show route table plain6 2001:db8:1::a/128 | grep -q to_plain6'
until_ "to one alone" 'theirs show route table own4 203.0.113.77/32 | grep -q to_own4'
until_ "to the third" 'theirs show route table large4 203.0.113.10/32 | grep -q to_large4'
for name in plain own large deaf peer server; do echo "HEARS $name"; theirs show route protocol to_${name}4 table ${name}4 all; done
echo "HEARS six"; theirs show route protocol to_plain6 table plain6 all; echo "HEARS nobody"
echo "KERNEL"; ip route show type blackhole; ip -6 route show type blackhole
echo "ROUTE1"; ip route get 203.0.113.10 2>&1 | head -1
echo "AFTER"; theirs show route table plain4 203.0.113.0/24 | grep to_plain4
cp /etc/bird/blackhole-none.conf /var/lib/trimtab/blackhole.conf; ours configure | tail -1
until_ "it is over" '! theirs show route table plain4 203.0.113.10/32 | grep -q to_plain4'
until_ "the kernel is as before" '! ip route show type blackhole | grep -q 203.0.113'
echo "ROUTE2"; ip route get 203.0.113.10 2>&1 | head -1
echo "END"; theirs show route table plain4 203.0.113.0/24 | grep to_plain4
ours down > /dev/null; theirs down > /dev/null
"""  # fmt: skip


def holes() -> list[Hole]:
    now = time.time()

    def hole(number: int, address: str, until: float, *upstreams: str) -> Hole:
        return Hole(number, address, ("one",), upstreams, "ann@x", "flood", now - 90, until)

    later = now + 600
    return [hole(1, A, later), hole(2, B, later, "own"), hole(3, C, later), hole(4, PAST, now - 5)]


def far(inventory: Inventory) -> str:
    host, front = inventory.by_name["one-router-1"], inventory.front("one")[0]
    found = "router id 192.0.2.200;\nprotocol device { }\n"
    for name, asn, base in FAR:
        families = ((4, f"192.0.2.{base}", f"192.0.2.{base + 1}"),)
        families += ((6, "2001:db8:a::2", "2001:db8:a::1"),) if name == "plain" else ()  # type: ignore[assignment]
        for family, theirs, ours in families:
            server = "rs client;" if name == "server" else ""
            found += (
                f"ipv{family} table {name}{family};\n"
                f"protocol bgp to_{name}{family} {{ local {theirs} as {asn}; neighbor {ours} as 64496; {server} strict bind;\n"
                f"  connect retry time 1; error wait time 1, 2; connect delay time 1;\n"
                f"  ipv{family} {{ table {name}{family}; import all; export none; }}; }}\n"
            )
    for family in (4, 6):
        found += (
            f"ipv{family} table anchor{family};\n"
            f"protocol static anchor_{family} {{ ipv{family} {{ table anchor{family}; }};"
            f" route {inventory.anchor('one', family)}/{32 if family == 4 else 128} blackhole; }}\n"
            f"protocol bgp front{family} {{ local {front.address(family)} as 64496;"
            f" neighbor {inventory.in_network(host, front.vlan, family)} as 64496; strict bind; connect retry time 1;\n"
            f"  connect delay time 1; error wait time 1, 2;"
            f" ipv{family} {{ table anchor{family}; import none; next hop self; export all; }}; }}\n"
        )
    return found


@pytest.fixture(
    scope="module", params=[pytest.param(p, marks=[] if p == OWN else pytest.mark.full) for p in PLATFORMS]
)
def said(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    platform: Platform = request.param
    release = systems.wanted(platform)
    system = systems.find(release, ["/usr/sbin/bird"]) if release else None
    inventory = Inventory(read_estate(ESTATE, "estate.yaml")[0])
    host, front = inventory.by_name["one-router-1"], inventory.front("one")[0]
    folder = tmp_path_factory.mktemp("blackhole")
    played = (
        Artifact("/etc/test/far.conf", far(inventory)),
        Artifact("/etc/test/holes.conf", text(holes(), accepting(inventory, host))),
    )
    write_host(folder / "host", (*render_host(inventory, host), *played))
    write_host(folder / "extra", host_files(host, ThrowawayCa("test"), registry_passwords()))
    links = [
        f"network {host.vlan.interface} {host.v4}/24 {host.v6}/64 {host.vlan.v4[20]}/24 {host.vlan.v6[32]}/64",
        f"network {front.vlan.interface} {inventory.in_network(host, front.vlan, 4)}/24"
        f" {inventory.in_network(host, front.vlan, 6)}/64 {front.v4}/24 {front.v6}/64",
        *(
            f"network up{n} 192.0.2.{base + 1}/31 2001:db8:{'abcdef'[n]}::1/126 192.0.2.{base}/31 2001:db8:{'abcdef'[n]}::2/126"
            for n, (_, _, base) in enumerate(FAR)
        ),
    ]
    hook = "/usr/local/lib/trimtab/bird-steer\n"
    whole = (
        NETWORKS.replace("{networks}", "\n".join(links)) + hook + START + START_FAR + SCRIPT + "\nkill $far\n"
    )
    reply = sandbox.run(folder / "host", folder / "extra", set(), {"it": ["sh", "-c", whole]}, system)["it"]
    assert reply.code == 0 and "never:" not in reply.text, reply.text
    return reply.text


def part(said: str, name: str) -> str:
    """The line after the line NAME."""
    return said[said.index(f"\n{name}\n") + len(name) + 2 :].partition("\n")[0]


def test_who_accepts_it_is_told_with_the_communities_that_mean_it(said: str) -> None:
    for name, wanted in (("plain", ""), ("own", "(64501,666)"), ("large", "(64502, 666, 0)")):
        route = heard(said, name)[f"{A}/32"]
        assert "(65535,666)" in route and "(65535,65281)" in route and wanted in route, name
        assert "BGP.as_path: 64496\n" in route, "a black hole is not made worse"


def test_one_that_is_for_one_upstream_goes_to_that_alone(said: str) -> None:
    assert f"{B}/32" in heard(said, "own")
    assert all(f"{B}/32" not in heard(said, name) for name in ("plain", "large", "deaf", "peer", "server"))


def test_nobody_else_hears_of_a_host(said: str) -> None:
    for name in ("deaf", "peer", "server"):
        assert set(heard(said, name)) == {"203.0.113.0/24"}, name
    assert set(heard(said, "large")) == {"203.0.113.0/24", f"{A}/32"}


def test_it_holds_in_ipv6_too(said: str) -> None:
    text = said[said.index("HEARS six") : said.index("HEARS nobody")]
    assert f"{C}/128" in text and "2001:db8:1::/48" in text and "(65535,666)" in text


def test_the_prefix_around_it_stays_as_it_was(said: str) -> None:
    assert len({part(said, name) for name in ("BEFORE", "AFTER", "END")}) == 1
    assert "(65535,666)" not in heard(said, "plain")["203.0.113.0/24"]


def test_the_router_drops_it_itself_and_carries_it_again_afterwards(said: str) -> None:
    kernel = said[said.index("KERNEL") : said.index("ROUTE1")]
    assert all(f"blackhole {each} " in kernel for each in (A, B, C))
    assert "dev vlan" in part(said, "ROUTE0") and part(said, "ROUTE0") == part(said, "ROUTE2")
    assert "Invalid argument" in part(said, "ROUTE1")


def test_what_is_over_is_taken_out_before_bird_starts(said: str) -> None:
    assert PAST not in said


def test_what_stands_for_none_is_what_the_agent_writes_for_none() -> None:
    inventory = Inventory(read_estate(ESTATE, "estate.yaml")[0])
    files = {each.path: each.content for each in render_host(inventory, inventory.by_name["one-router-1"])}
    assert files[NO_HOLES] == text([], {})
