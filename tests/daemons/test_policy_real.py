"""What a rendered router takes of other networks, and what it tells them: a table of routes on the BIRD of both releases.

The far side is one BIRD with a table for each of the networks that it plays. The routes are leaks, hijacks and mistakes of the
kinds that RFC 7454, RFC 7908 and the published scenarios of arouteserver have, beside those that have to be taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from tests.daemons.test_router_real import NETWORKS, OWN, START, START_FAR
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.rendered import render_host
from trimtab.delivery import sandbox, systems
from trimtab.delivery.build import write_host
from trimtab.delivery.throwaway import ThrowawayCa, host_files, registry_passwords
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.estate.platform import PLATFORMS, Platform

pytestmark = pytest.mark.daemon
ESTATE = """\
estate: small
zone: small.example
sites:
  one:
    id: 1
    at: [22.3, 114.2]
    asn: 64496
    public: [203.0.113.0/24]
    hosts: {router: 1, proxy: 2, backend: 2}
    upstreams:
      transit: {asn: 64500, peer: [192.0.2.0], local: [192.0.2.1/31], bfd: false, communities: ["64500:80", no-export], med: 7, prepend: 2}
      server: {asn: 64501, role: route-server, peer: [198.51.100.253], local: [198.51.100.77/24], bfd: false}
      peer: {asn: 64502, role: peer, peer: [198.51.100.90], local: [198.51.100.77/24], bfd: false, learned_communities: ["64496:9"]}
      shop: {asn: 64503, role: customer, peer: [192.0.2.4], local: [192.0.2.5/31], bfd: false, only: [46.3.0.0/20, shop.json]}
      quiet: {asn: 64504, peer: [192.0.2.8], local: [192.0.2.9/31], bfd: false, accept: default, only: [46.9.0.0/20]}
      deaf: {asn: 64505, peer: [192.0.2.12], local: [192.0.2.13/31], bfd: false, accept: none}
  two:
    {id: 2, at: [1.3, 103.8], asn: 64497, public: [198.18.0.0/22], hosts: {router: 1, proxy: 2, backend: 2},
     networks: {rack: {groups: [backend], vlan: 300, prefixes: [46.8.0.0/22], gateway: [46.8.0.1]}},
     upstreams: {isp: {asn: 64500, peer: [198.51.101.1], bfd: false}}}
services: {www: {names: [www.small.example], routes: [{pool: web}]}}
pools: {web: {hosts: backend, port: 8080}}
"""
# What `bgpq4 -j` says of the customer.
SHOP = """\
{ "NN": [
    { "prefix": "46.5.0.0/23", "exact": true },
    { "prefix": "46.6.0.0/20", "exact": false, "less-equal": 22 }
] }
"""
# name, AS, its address, ours
FAR = (
    ("transit", 64500, "192.0.2.0", "192.0.2.1", ""),
    ("server", 64501, "198.51.100.253", "198.51.100.77", "rs client;"),
    ("peer", 64502, "198.51.100.90", "198.51.100.77", ""),
    ("shop", 64503, "192.0.2.4", "192.0.2.5", ""),
    ("quiet", 64504, "192.0.2.8", "192.0.2.9", ""),
    ("deaf", 64505, "192.0.2.12", "192.0.2.13", ""),
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """A route that a network tells us. path: what is behind it in the AS path.  pref: 0 where it is refused."""

    by: str
    prefix: str
    why: str
    pref: int
    path: tuple[int, ...] = ()
    communities: tuple[str, ...] = ()


TOLD = (
    Told("transit", "0.0.0.0/0", "a transit gives the default route", 380),
    Told("transit", "45.0.0.0/24", "the Internet", 380, (3320, 3356)),
    Told("transit", "45.0.1.0/24", "one of its customers", 380),
    Told("transit", "45.0.2.0/25", "longer than the Internet carries", 0),
    Told("transit", "45.0.3.1/32", "a host, blackhole or not", 0, (), ("65535,666",)),
    Told("transit", "45.0.4.0/24", "about to end: the last way", -1, (), ("65535,0",)),
    Told("transit", "10.9.0.0/16", "private (RFC 1918)", 0),
    Told("transit", "100.64.0.0/10", "shared between providers (RFC 6598)", 0),
    Told("transit", "192.0.2.0/24", "documentation, and our own link in it", 0),
    Told("transit", "224.0.0.0/8", "multicast", 0),
    Told("transit", "203.0.113.0/24", "ours, by a stranger", 0, (3320,)),
    Told("transit", "203.0.113.0/25", "a part of ours", 0, (3320,)),
    Told("transit", "203.0.113.128/25", "a part of ours, as if by us", 0, (64496,)),
    Told("transit", "198.18.0.0/22", "another site's, by that site", 380, (64497,)),
    Told("transit", "198.51.100.0/24", "the exchange's LAN", 0, (64501,)),
    Told("transit", "198.51.100.128/25", "a part of the exchange's LAN", 0, (64501,)),
    Told("transit", "45.0.5.0/24", "a private AS in the path", 0, (64999,)),
    Told("transit", "45.0.6.0/24", "AS_TRANS in the path (RFC 7607)", 0, (23456,)),
    Told("transit", "45.0.7.0/24", "the last AS of 16 bits (RFC 7300)", 0, (65535,)),
    Told("transit", "45.0.8.0/24", "a path of 65", 0, (3320,) * 65),
    Told("transit", "45.0.9.0/24", "a path of 60", 380, (3320,) * 59),
    Told("peer", "0.0.0.0/0", "a default that nobody asked for", 0),
    Told("peer", "0.0.0.0/1", "half of everything", 0),
    Told("peer", "128.0.0.0/1", "the other half", 0),
    Told("peer", "46.8.1.0/24", "a part of a network that another site stands in", 0),
    Told("peer", "192.88.99.0/24", "what was 6to4", 0),
    Told("peer", "46.0.0.0/24", "a peer's own", 500),
    Told("peer", "46.0.1.0/24", "a peer's customer", 500, (50000,)),
    Told("peer", "46.0.2.0/24", "leaked from our transit", 0, (64500, 50000)),
    Told("peer", "46.0.3.0/24", "leaked from who buys from nobody", 0, (3356, 50000)),
    Told("peer", "46.0.4.0/24", "a leak that comes back over a customer of both", 0, (50000, 1299, 50001)),
    Told("peer", "203.0.113.0/24", "ours", 0),
    Told("peer", "46.0.5.0/24", "pretends to be our customer's", 500, (), ("64496,1,4",)),
    Told("server", "47.0.0.0/24", "another member's", 480, (50000,)),
    Told("server", "47.0.1.0/24", "leaked by another member", 0, (50000, 174)),
    Told("server", "0.0.0.0/0", "a default by an exchange", 0, (50000,)),
    Told("server", "198.51.100.0/25", "a part of the LAN", 0, (50000,)),
    Told("shop", "46.3.0.0/20", "what our customer has", 600),
    Told("shop", "46.3.4.0/24", "a part of it", 600),
    Told("shop", "46.4.0.0/24", "somebody else's", 0),
    Told("shop", "46.5.0.0/23", "of its list, exactly", 600),
    Told("shop", "46.5.0.0/24", "a part of what is listed exactly", 0),
    Told("shop", "46.6.4.0/22", "a part as long as the list allows", 600),
    Told("shop", "46.6.0.0/24", "a part longer than the list allows", 0),
    Told("shop", "0.0.0.0/0", "a customer's default", 0),
    Told("quiet", "0.0.0.0/0", "only the default is accepted, and `only` is about all others", 400),
    Told("quiet", "45.1.0.0/24", "more than the default", 0),
    Told("deaf", "0.0.0.0/0", "nothing is accepted", 0),
)  # fmt: skip


def far(*names: str) -> str:
    """The file of the BIRD that plays these networks; BIRD 2.0 has one session with an address, so the peer has its own."""
    text = "router id 192.0.2.200;\nprotocol device { }\n"
    for name, asn, theirs, ours, more in (each for each in FAR if each[0] in names):
        routes = " ".join(_route(told) for told in TOLD if told.by == name)
        text += (
            f"ipv4 table {name};\nprotocol static of_{name} {{ ipv4 {{ table {name}; }}; {routes} }}\n"
            f"protocol bgp to_{name} {{ local {theirs} as {asn}; neighbor {ours} as 64496; {more} connect retry time 1; strict bind;\n"
            f"  error wait time 1, 2; connect delay time 1; enforce first as off;\n"
            f"  ipv4 {{ table {name}; import all; export where source = RTS_STATIC; }}; }}\n"
        )
    return text


def _route(told: Told) -> str:
    path = "".join(f" bgp_path.prepend({asn});" for asn in reversed(told.path))
    marks = "".join(
        f" bgp_large_community = ---empty---; bgp_large_community.add(({each}));"
        if each.count(",") == 2
        else f" bgp_community.add(({each}));"
        for each in told.communities
    )
    return f"route {told.prefix} blackhole {{{path}{marks} }};"


SCRIPT = r"""
there bird -c /etc/test/peer.conf -s /run/peer.ctl -P /run/peer.pid
peer() { birdc -s /run/peer.ctl "$@"; }
until_ "all are up" '[ "$(ours show protocols | grep -c "^up_.*Established")" = 6 ]'
sent() { "$1" show protocols all "to_$2" | awk '/Export updates:/ { print $NF }'; }
got() { ours show protocols all "up_${1}4" | awk '/Import (updates|withdraws):/ { n += $3 } END { print n }'; }
until_ "the peer's are here" '[ "$(got peer)" = "$(sent peer peer)" ]'
for name in transit server shop quiet deaf; do until_ "those of $name are here" '[ "$(got $name)" = "$(sent theirs $name)" ]'; done
until_ "the customer's are told to a peer" 'peer show route table peer 46.3.0.0/20 | grep -q to_peer'
echo TAKEN; ours show route table wan4 all
echo "HEARS peer"; peer show route protocol to_peer table peer all
for name in transit server shop quiet deaf; do echo "HEARS $name"; theirs show route protocol to_$name table $name all; done
ours down > /dev/null; theirs down > /dev/null; peer down > /dev/null
"""  # fmt: skip


@pytest.fixture(
    scope="module", params=[pytest.param(p, marks=[] if p == OWN else pytest.mark.full) for p in PLATFORMS]
)
def said(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What both BIRDs had when all had been told."""
    platform: Platform = request.param
    release = systems.wanted(platform)
    system = systems.find(release, ["/usr/sbin/bird"]) if release else None
    inventory = Inventory(read_estate(ESTATE, "estate.yaml", beside={"shop.json": SHOP}.__getitem__)[0])
    host = inventory.by_name["one-router-1"]
    folder = tmp_path_factory.mktemp("policy")
    others = tuple(name for name, *_ in FAR if name != "peer")
    played = (Artifact("/etc/test/far.conf", far(*others)), Artifact("/etc/test/peer.conf", far("peer")))
    write_host(folder / "host", (*render_host(inventory, host), *played))
    write_host(folder / "extra", host_files(host, ThrowawayCa("test"), registry_passwords()))
    links = [
        f"network vlan{host.vlan.id} {host.v4}/24 {host.v6}/64 {host.vlan.v4[20]}/24 {host.vlan.v6[32]}/64",
        "network up0 192.0.2.1/31 2001:db8:a::1/126 192.0.2.0/31 2001:db8:a::2/126",
        "network up1 198.51.100.77/24 2001:db8:b::1/126 198.51.100.253/24 2001:db8:b::2/126",
        "there ip address add 198.51.100.90/24 dev pup1",
        "network up2 192.0.2.5/31 2001:db8:c::1/126 192.0.2.4/31 2001:db8:c::2/126",
        "network up3 192.0.2.9/31 2001:db8:d::1/126 192.0.2.8/31 2001:db8:d::2/126",
        "network up4 192.0.2.13/31 2001:db8:e::1/126 192.0.2.12/31 2001:db8:e::2/126",
    ]
    whole = NETWORKS.replace("{networks}", "\n".join(links)) + START + START_FAR + SCRIPT + "\nkill $far\n"
    reply = sandbox.run(folder / "host", folder / "extra", set(), {"it": ["sh", "-c", whole]}, system)["it"]
    assert reply.code == 0 and "never:" not in reply.text, reply.text
    return reply.text


def taken(said: str) -> dict[tuple[str, str], int]:
    """(who told it, prefix) → local preference of every route that is here."""
    found: dict[tuple[str, str], int] = {}
    prefix, by = "", ""
    for line in said[said.index("TAKEN") : said.index("HEARS")].splitlines():
        if route := re.match(r"(\S*)\s+\w+ \[up_(\w+)4 ", line):
            prefix, by = route[1] or prefix, route[2]
        elif line and not line.startswith(("\t", " ")):
            by = ""
        if by and (pref := re.search(r"BGP.local_pref: (\d+)", line)):
            found[by, prefix] = int(pref[1])
    return found


def heard(said: str, name: str) -> dict[str, str]:
    """Prefix → all that a network has of the route that we tell it."""
    text = said[said.index(f"HEARS {name}\n") :]
    text = text[: text.find("HEARS", 5) if "HEARS" in text[5:] else None]
    found: dict[str, str] = {}
    prefix = ""
    for line in text.splitlines()[1:]:
        if route := re.match(r"(\d\S*/\d+)\s", line):
            prefix = route[1]
        if prefix:
            found[prefix] = found.get(prefix, "") + line + "\n"
    return found


@pytest.mark.parametrize(
    "told", TOLD, ids=lambda t: f"{t.by}-{t.prefix.replace('/', '-')}-{t.why.replace(' ', '_')}"
)
def test_what_is_told_is_taken_or_refused(said: str, told: Told) -> None:
    wanted = {0: None, -1: 0}.get(told.pref, told.pref)
    assert taken(said).get((told.by, told.prefix)) == wanted


def test_nothing_else_is_taken(said: str) -> None:
    assert set(taken(said)) == {(told.by, told.prefix) for told in TOLD if told.pref}


def test_the_anchor_is_away_so_only_customers_are_told(said: str) -> None:
    """No proxy runs here: our own prefix is nowhere, and a transit's or a peer's routes go to our customer alone."""
    for name in ("transit", "server", "peer", "quiet", "deaf"):
        assert set(heard(said, name)) == {"46.3.0.0/20", "46.3.4.0/24", "46.5.0.0/23", "46.6.4.0/22"}, name
    to_customer = set(heard(said, "shop"))
    assert {"0.0.0.0/0", "45.0.0.0/24", "46.0.0.0/24", "47.0.0.0/24"} <= to_customer
    assert "203.0.113.0/24" not in to_customer


def test_what_it_is_told_has_the_marks_that_are_stated_and_none_of_our_own(said: str) -> None:
    (route,) = {heard(said, "transit")["46.3.4.0/24"]}
    assert "BGP.as_path: 64496 64496 64496 64503" in route
    assert "BGP.med: 7" in route and "(64500,80)" in route and "(65535,65281)" in route
    assert "(64496, 1," not in route


def test_what_is_learnt_has_our_marks_and_not_those_that_only_we_may_give(said: str) -> None:
    rows = said[said.index("TAKEN") : said.index("HEARS")]
    pretender = rows[rows.index("46.0.5.0/24") :].split("46.3.0.0")[0]
    assert "(64496, 1, 2)" in pretender and "(64496, 1, 4)" not in pretender and "(64496,9)" in pretender
