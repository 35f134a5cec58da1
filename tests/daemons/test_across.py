"""Who asks whom with `across`: the nearest sites first, no more than three of them, and never oneself."""

from __future__ import annotations

from trimtab.daemons import across
from trimtab.daemons.haproxy import across as haproxy_across
from trimtab.daemons.rendered import render_host
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate

SITE = (
    "  s{id}: {{id: {id}, at: [0, {longitude}], asn: {asn}, hosts: {{{hosts}}}, "
    "upstreams: {{isp: {{asn: 64500, peer: [198.51.100.{peer}]}}}}}}\n"
)
BOTH = "router: 1, proxy: 2, backend: 2, registry: 1"
REST = """\
services:
  www: {names: [www.small.example], routes: [{path: /api/, pool: api}, {path: /own/, pool: own}, {pool: web}]}
pools:
  web: {hosts: backend, port: 8080, across: nearest}
  api: {discover: api, across: nearest}
  own: {hosts: backend, port: 8081}
"""


def inventory(*hosts: str) -> Inventory:
    """Sites s1, s2, …, each ten degrees east of the one before."""
    sites = [
        SITE.format(id=n, longitude=10 * n, asn=65000 + n, hosts=each, peer=8 * n + 1)
        for n, each in enumerate(hosts, 1)
    ]
    text = "estate: small\nzone: small.example\nsites:\n" + "".join(sites) + REST
    return Inventory(read_estate(text, "across.yaml")[0])


def asked(found: Inventory, pool: str, site: str) -> list[str]:
    return [other for _, other in across.asked(found, found.estate.pools[pool], site)]


def test_the_nearest_are_asked_first_and_three_at_most() -> None:
    found = inventory(*[BOTH] * 6)
    assert asked(found, "web", "s1") == ["s2", "s3", "s4"]
    assert asked(found, "web", "s6") == ["s5", "s4", "s3"]
    assert asked(found, "web", "s3")[2:] in (["s1"], ["s5"]) and "s3" not in asked(found, "web", "s3")
    assert asked(found, "own", "s1") == []
    text = haproxy_across.render(found, found.by_name["s1-proxy-1"], 100)
    servers = [line.split() for line in text.splitlines() if line.startswith("    server ")]
    assert [line[1] for line in servers[:6]] == [f"s{n}-proxy-{m}" for n in (2, 3, 4) for m in (1, 2)]
    assert ["backup" in line for line in servers[:6]] == [False, False, True, True, True, True]
    assert haproxy_across.servers(found, "s1") == len(servers) == 12
    falls = [line[line.index("fall") + 1] if "fall" in line else "" for line in servers[:6]]
    assert falls == ["11", "11", "7", "7", "", ""], "a nearer site outlasts the farther ones"


def test_who_has_no_members_asks_and_who_has_no_proxies_is_not_asked() -> None:
    found = inventory("router: 1, proxy: 2, registry: 1", "router: 1, backend: 2, registry: 1", BOTH)
    assert asked(found, "web", "s1") == ["s3"] and asked(found, "web", "s3") == []
    assert across.answered(found, "s1") == ["api"], "members of `web` there are none, of `api` nobody knows"
    assert across.answered(found, "s3") == ["api", "web"]
    assert not across.helped(found, found.estate.pools["web"])
    assert across.helped(found, found.estate.pools["api"])


def test_the_only_site_has_nothing_of_it() -> None:
    found = inventory(BOTH)
    host = found.by_name["s1-proxy-1"]
    assert haproxy_across.render(found, host, 0) == ""
    without = Inventory(found.estate.model_copy(update={"pools": _plain(found)}))
    assert render_host(found, host) == render_host(without, host)


def _plain(found: Inventory) -> dict[str, object]:
    return {name: pool.model_copy(update={"across": None}) for name, pool in found.estate.pools.items()}
