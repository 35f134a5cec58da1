"""Paths judged by ASPAs on the BIRD that has them, with what a cache says by RTR 2: leaks by a peer, an exchange, a customer and a
transit, each with its reason, and judged anew when an ASPA comes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.daemons.test_router_real import NETWORKS, OWN, START, START_FAR
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.bird.defence import REASONS
from trimtab.daemons.bird.features import BY_PLATFORM, features
from trimtab.daemons.rendered import render_host
from trimtab.delivery import sandbox, systems
from trimtab.delivery.build import write_host
from trimtab.delivery.throwaway import ThrowawayCa, host_files, registry_passwords
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.estate.platform import Platform
from trimtab.lab import rtr_cache

pytestmark = [pytest.mark.daemon]
ABLE = [pytest.param(p, marks=[] if p == OWN else pytest.mark.full) for p in BY_PLATFORM if features(p).aspa]
ESTATE = """\
estate: small
zone: small.example
platform: {platform}
sites:
  one:
    id: 1
    at: [22.3, 114.2]
    asn: 64496
    public: [203.0.113.0/24]
    hosts: {{router: 1, proxy: 2, backend: 2}}
    upstreams:
      transit: {{asn: 64500, peer: [192.0.2.0], local: [192.0.2.1/31], bfd: false}}
      peer: {{asn: 64502, role: peer, peer: [192.0.2.2], local: [192.0.2.3/31], bfd: false}}
      shop: {{asn: 64503, role: customer, peer: [192.0.2.4], local: [192.0.2.5/31], bfd: false, only: [46.3.0.0/16]}}
  two:
    {{id: 2, at: [1.3, 103.8], asn: 64497, public: [198.18.0.0/22], hosts: {{router: 1, proxy: 2, backend: 2}},
     upstreams: {{isp: {{asn: 64500, peer: [198.51.101.1], bfd: false}}}}}}
edge: {{rpki: {{validators: ["192.0.2.0:3323"], aspa: true{reject}}}}}
services: {{www: {{names: [www.small.example], routes: [{{pool: web}}]}}}}
pools: {{web: {{hosts: backend, port: 8080}}}}
"""
FAR = (
    ("transit", 64500, "192.0.2.0", "192.0.2.1"),
    ("peer", 64502, "192.0.2.2", "192.0.2.3"),
    ("shop", 64503, "192.0.2.4", "192.0.2.5"),
)
# Who buys from whom. 50002 buys from nobody (AS 0, draft-ietf-sidrops-aspa-profile).
ASPAS = {50001: [50010], 50002: [0], 50005: [50050], 64497: [64500], 64502: [50020], 64503: [64496]}
# by, prefix, path behind it, is it refused
TOLD = (
    ("peer", "46.0.0.0/24", (), False),  # its own
    ("peer", "46.0.1.0/24", (50003,), False),  # of somebody who says nothing
    ("peer", "46.0.2.0/24", (50001,), True),  # 50001 buys from 50010, not from the peer: a leak
    ("peer", "46.0.3.0/24", (50002,), True),  # 50002 buys from nobody
    ("peer", "46.0.4.0/24", (50004, 50010, 50001), False),  # up and on: who says nothing may be anybody's customer
    ("transit", "45.0.0.0/24", (50001,), False),  # down again is what transits are for: the peer between may be ours
    ("transit", "45.0.1.0/24", (50010, 50001), False),
    ("transit", "45.0.2.0/24", (50001, 50002), False),  # two who are not each other's: they may be peers, once in a path
    ("transit", "45.0.3.0/24", (50001, 50005, 50002), True),  # twice is a valley
    ("transit", "198.18.0.0/22", (50002, 64497), False),  # our own other site: by its origin alone
    ("shop", "46.3.0.0/20", (), False),
    ("shop", "46.3.16.0/20", (50001,), True),
)  # fmt: skip


def far() -> str:
    text = "router id 192.0.2.200;\nprotocol device { }\n"
    for name, asn, theirs, ours in FAR:
        routes = " ".join(
            f"route {prefix} blackhole {{ {' '.join(f'bgp_path.prepend({a});' for a in reversed(path))} }};"
            for by, prefix, path, _ in TOLD
            if by == name
        )
        text += (
            f"ipv4 table {name};\nprotocol static of_{name} {{ ipv4 {{ table {name}; }}; {routes} }}\n"
            f"protocol bgp to_{name} {{ local {theirs} as {asn}; neighbor {ours} as 64496; connect retry time 1; strict bind;\n"
            f"  error wait time 1, 2; connect delay time 1;\n"
            f"  ipv4 {{ table {name}; import all; export where source = RTS_STATIC; }}; }}\n"
        )
    return text


SCRIPT = r"""
printf '%s' "$LIST" > /run/list.json
nsenter --target $far --net python3 /etc/test/rtr_cache.py 192.0.2.0 3323 /run/list.json > /run/rtr.log 2>&1 & cache=$!
until_ "the cache listens" 'there ss -Hltn | grep -q :3323'
why() { ours "show route $1 table wan4 filtered all" | sed -n 's/.*BGP.large_community:.*(64496, 2, \([0-9]*\)).*/\1/p'; }
marked() { ours "show route $1 table wan4 all" | sed -n 's/.*BGP.large_community:.*(64496, 2, \([0-9]*\)).*/\1/p'; }
taken() { ours "show route $1 table wan4" | grep -q "up_"; }
known() { ours show protocols all validator_1 | awk '/Channel/ { c = $2 } /Routes:/ && c == "aspa" { print $2 }'; }
until_ "all are up" '[ "$(ours show protocols | grep -c "^up_.*Established")" = 3 ]'
"""


def listed(aspas: Mapping[int, Sequence[int]]) -> str:
    return json.dumps(
        {"aspas": [{"customer_asid": asn, "providers": list(each)} for asn, each in aspas.items()]}
    )


def run(tmp_path: Path, platform: Platform, script: str, reject: str = "") -> list[str]:
    release = systems.wanted(platform)
    system = systems.find(release, ["/usr/sbin/bird"]) if release else None
    inventory = Inventory(read_estate(ESTATE.format(platform=platform, reject=reject), "estate.yaml")[0])
    host = inventory.by_name["one-router-1"]
    server = Path(rtr_cache.__file__).read_text()
    played = (Artifact("/etc/test/far.conf", far()), Artifact("/etc/test/rtr_cache.py", server))
    write_host(tmp_path / "host", (*render_host(inventory, host), *played))
    write_host(tmp_path / "extra", host_files(host, ThrowawayCa("test"), registry_passwords()))
    links = [
        f"network vlan{host.vlan.id} {host.v4}/24 {host.v6}/64 {host.vlan.v4[20]}/24 {host.vlan.v6[32]}/64",
        "network up0 192.0.2.1/31 2001:db8:a::1/126 192.0.2.0/31 2001:db8:a::2/126",
        "network up1 192.0.2.3/31 2001:db8:b::1/126 192.0.2.2/31 2001:db8:b::2/126",
        "network up2 192.0.2.5/31 2001:db8:c::1/126 192.0.2.4/31 2001:db8:c::2/126",
    ]
    said = listed(ASPAS)
    whole = f"LIST='{said}'\n" + NETWORKS.replace("-lt 400", "-lt 300").replace(
        "{networks}", "\n".join(links)
    )
    whole += START + START_FAR + SCRIPT + script
    whole += "\ntheirs down > /dev/null; ours down > /dev/null; kill $cache $far 2>/dev/null\n"
    reply = sandbox.run(tmp_path / "host", tmp_path / "extra", set(), {"it": ["sh", "-c", whole]}, system)[
        "it"
    ]
    assert "never:" not in reply.text, reply.text
    return reply.text.splitlines()


@pytest.mark.parametrize("platform", ABLE)
def test_a_path_that_an_aspa_speaks_against_is_refused_with_its_reason(
    platform: Platform, tmp_path: Path
) -> None:
    script = r"""
until_ "the list is there" '[ "$(known)" = 6 ]'
until_ "the peer's leak is refused" '[ "$(why 46.0.2.0/24)" = 10 ]'
"""
    script += "".join(
        f'taken {prefix} && echo "taken {prefix}"; echo "{prefix} why=$(why {prefix})"\n'
        for _, prefix, _, _ in TOLD
    )
    script += 'ours show protocols all validator_1 | grep "Protocol version"\n'
    said = run(tmp_path, platform, script)
    for by, prefix, path, refused in TOLD:
        assert (f"taken {prefix}" in said) is not refused, (by, prefix, path, said)
        assert f"{prefix} why={REASONS['aspa'] if refused else ''}" in said, (by, prefix, path, said)
    assert any(line.split() == ["Protocol", "version:", "2"] for line in said)


@pytest.mark.parametrize("platform", ABLE)
def test_what_is_there_is_judged_anew_when_an_aspa_comes_and_when_it_goes(
    platform: Platform, tmp_path: Path
) -> None:
    more = listed({**ASPAS, 50003: [50030]})
    script = rf"""
until_ "the list is there" '[ "$(known)" = 6 ]'
until_ "who says nothing is taken" 'taken 46.0.1.0/24'
cp -p /run/list.json /run/kept.json
printf '%s' '{more}' > /run/list.json
until_ "it has said something" '[ "$(why 46.0.1.0/24)" = 10 ]'
mv /run/kept.json /run/list.json
until_ "it has taken that back" 'taken 46.0.1.0/24'
ours show protocols | awk '$1 ~ /^up_/ {{ print $1, $6 }}'
"""
    said = run(tmp_path, platform, script)
    assert [line for line in said if line.startswith("up_")] == [
        "up_peer4 Established", "up_shop4 Established", "up_transit4 Established",
    ]  # fmt: skip


@pytest.mark.parametrize("platform", ABLE)
def test_without_refusing_what_would_be_refused_is_marked(platform: Platform, tmp_path: Path) -> None:
    script = r"""
until_ "the peer's leak is marked" '[ "$(marked 46.0.2.0/24)" = 10 ]'
taken 46.0.2.0/24 && echo "taken all the same"
echo "own $(marked 46.0.0.0/24)"
"""
    said = run(tmp_path, platform, script, ", reject: none")
    assert "taken all the same" in said and "own " in said


@pytest.mark.parametrize("platform", ABLE)
def test_without_a_cache_every_path_is_taken(platform: Platform, tmp_path: Path) -> None:
    script = r"""
until_ "the list is there" '[ "$(known)" = 6 ]'
kill $cache; theirs disable to_peer > /dev/null
ours disable validator_1 > /dev/null; ours enable validator_1 > /dev/null
theirs enable to_peer > /dev/null
until_ "the leak is taken" 'taken 46.0.2.0/24'
"""
    assert "the leak is taken" in run(tmp_path, platform, script)
