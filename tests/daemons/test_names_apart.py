"""Whatever names an estate has, no two things in a rendered file get one name, and none gets a name of ours."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trimtab.daemons.nginx.ways import CODES, WAYS
from trimtab.daemons.rendered import render_host
from trimtab.estate.fault import BadEstate
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.estate.pool_faults import MOST_KINDS
from trimtab.lab.plan import plan

# Words of ours and of the daemons, and names that come near each other when a `-` is spelt otherwise.
WORDS = (
    "health across plain1 vip1 panic peers global front-health tls trimtab include hostnames volatile server http main "
    "redirect0 redirect1 nobody a a- a-- a-0 a-1 a-0-0 a-target a-at a-expires a-by a-key a-drawn a-asked a-b a--b b b- "
    "a-panic a--panic a--across a--quick a-quick site1 site4 wan4 anchor origin4 kernel4 up isp to h x s t s-a t-a "
    "default-a off on no y up4 member-1 m1 process gateway registry-a global-a clients estate1 " + "a" * 20
).split()
NAME = st.one_of(st.sampled_from(WORDS), st.from_regex(r"[ab][ab01-]{0,5}", fullmatch=True))
NAMES = st.lists(NAME, min_size=3, max_size=6, unique=True)


def estate(services: list[str], pools: list[str], upstreams: list[str], sites: list[str], engine: str) -> str:
    """Each service has every kind of route, each pair of pools is a split, each pool has what makes further names."""
    text = f"estate: {services[0]}\nzone: z.example\ntiers: {{proxy: {{engine: {engine}}}}}\nsites:\n"
    for number, site in enumerate(sites[:2], 1):
        text += (
            f"  {site}: {{id: {number}, at: [1, {number}], asn: 6451{number}, upstreams: {{"
            + ", ".join(
                f"{up}: {{asn: 64500, peer: [198.51.{number}.{1 + 8 * i}]}}" for i, up in enumerate(upstreams)
            )
            + "}, hosts: {router: 2, proxy: 2, backend: 2, registry: 3, store: 1}}\n"
        )
    text += "services:\n"
    for number, service in enumerate(services):
        routes = [f"{{path: /{i}/, header: {{x: v}}, pool: {pool}}}" for i, pool in enumerate(pools)]
        routes += [f"{{path: /s{i}/, split: {{{a}: 1, {b}: 2}}}}" for i, (a, b) in enumerate(pairwise(pools))]
        routes += [f"{{path: /t{i}/, split: {{{pool}: 1}}}}" for i, pool in enumerate(pools)]
        routes += ["{path: /r/, redirect: 'https://r.example/'}", f"{{pool: {pools[0]}}}"]
        text += f"  {service}: {{vip: {1 + number % 2}, names: [n{number}.z.example], routes: [{', '.join(routes)}]}}\n"
    text += "pools:\n"
    across = ", across: nearest" if engine == "haproxy" else ""
    for number, pool in enumerate(pools):
        text += f"  {pool}: {{hosts: backend, port: {8100 + number}, answer: 1s, sticky: {{by: table}}, "
        text += f"check: {{get: /h{number}}}{across}}}\n"
    return text + f"stores: {{{services[0]}: {{kind: etcd, hosts: store}}}}\n"


DEFINED = {
    "haproxy.cfg": [r"^(?:frontend|backend) (\S+)", r"^(peers \S+)"],
    "nginx.conf": [
        r"""^\s*(?:map|split_clients) (?:"[^"]*"|[^" ]\S*) (\$\S+) \{""",
        r"^\s*upstream (\S+) ",
    ],
    "bird.conf": [r"^protocol \w+ (\w+) \{", r"^(?:ipv4|ipv6) table (\w+);", r"^function (\w+)\("],
    "keepalived.conf": [r"^vrrp_instance (\S+) ", r"^track_file (\S+) "],
}


def defined(file: str, text: str) -> Iterator[str]:
    for pattern in DEFINED[file]:
        yield from re.findall(pattern, text, re.MULTILINE)
    if file == "nginx.conf":
        zones = re.findall(r"^\s*zone (\S+) |shared:([^:]+):", text, re.MULTILINE)
        yield from (f"zone {a or b}" for a, b in zones)
        for number, server in enumerate(re.split(r"(?m)^    server \{$", text)):
            yield from (f"{number} {name}" for name in re.findall(r"location (@\S+) ", server))
            # each answer of a target leads to one thing
            yield from (
                f"{number} if {value}" for value in re.findall(r"if \(\$(?!trimtab_)\S+ = (\S+)\)", server)
            )


def twice(names: Iterator[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


@settings(max_examples=60, deadline=None)
@example(["a-1", "a", "tls"], ["web--quick", "web", "tls"], ["a", "b"], ["a-b", "a"], "nginx")
@example(["a", "a-b", "x"], ["b-c", "c", "b"], ["b-c", "c"], ["a", "a-b"], "nginx")
@example(["vip1", "a", "b"], ["vip1", "health", "across"], ["a", "b"], ["a", "b"], "haproxy")
@given(NAMES, NAMES, NAMES, NAMES, st.sampled_from(["haproxy", "nginx"]))
def test_no_two_things_have_one_name(
    services: list[str], pools: list[str], upstreams: list[str], sites: list[str], engine: str
) -> None:
    try:
        found = read_estate(estate(services, pools, upstreams, sites, engine))[0]
    except BadEstate as error:
        assert {str(f.message).partition("`")[0] for f in error.faults} <= {"got ", ""}, (
            error
        )  # the name itself is refused
        return
    inventory = Inventory(found)
    for host in inventory.hosts:
        texts: dict[str, str] = {}
        for artifact in render_host(inventory, host):  # no path twice, it says so itself
            name = (
                artifact.path.rpartition("/")[2]
                .replace("pools.cfg", "haproxy.cfg")
                .replace("pools.conf", "nginx.conf")
            )
            texts[name] = texts.get(name, "") + artifact.content
        for name in DEFINED.keys() & texts.keys():
            assert twice(defined(name, texts[name])) == [], (host.name, name)


@settings(max_examples=15, deadline=None)
@example(["b-c", "c", "x"], ["a", "a-b"])
@given(NAMES, NAMES)
def test_no_two_things_of_the_twin_have_one_name(upstreams: list[str], sites: list[str]) -> None:
    try:
        found = read_estate(estate(["www"], ["web", "api"], upstreams, sites, "haproxy"))[0]
    except BadEstate:
        return
    topology = plan(Inventory(found), "t")
    assert twice(node.name for node in topology.nodes) == []
    assert twice(segment.name for segment in topology.segments) == []
    for node in topology.nodes:
        assert twice(leg.interface for leg in node.legs) == [] and all(
            len(leg.interface) <= 15 for leg in node.legs
        )
        config = next((file.content for file in node.files if file.path == "/etc/bird/bird.conf"), "")
        assert twice(defined("bird.conf", config)) == []
        assert all(len(name) < 64 for name in defined("bird.conf", config))  # what BIRD reads of a symbol


@pytest.mark.parametrize("name", ["a--panic", "a--patient", "a--across"])
def test_a_name_of_a_pools_other_backends_is_refused(name: str) -> None:
    with pytest.raises(BadEstate, match="a name cannot end in"):
        read_estate(estate(["www"], ["a", name], ["b"], ["one", "two"], "haproxy"))


def test_nginx_has_codes_for_every_kind_of_pool_that_the_loader_takes() -> None:
    assert MOST_KINDS * len(WAYS) <= len(CODES) < (MOST_KINDS + 1) * len(WAYS) and 499 not in CODES
