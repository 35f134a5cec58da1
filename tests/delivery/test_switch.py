"""What a change of files means for a host's daemons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.rendered import render_host
from trimtab.delivery.switch import Actions, actions, difference, generation, joined, verb
from trimtab.drivers.units import Active
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate

BASE = """\
estate: small
zone: small.example
sites:
  one:
    id: 1
    at: [22.3, 114.2]
    asn: 65010
    hosts: {router: 2, proxy: 2, backend: 2, registry: 1}
    upstreams: {isp: {asn: 64500, peer: [198.51.100.1, "2001:db8:ff01::1"]}}
services:
  www: {names: [www.small.example], routes: [{pool: web}]}
pools:
  web: {hosts: backend, port: 8080, check: {get: /health}}
"""
API = "services:\n  api: {names: [api.small.example], vip: 2, routes: [{pool: web}]}\n"


def host(name: str, change: Callable[[str], str] = str) -> tuple[Artifact, ...]:
    inventory = Inventory(read_estate(change(BASE), "estate.yaml")[0])
    return render_host(inventory, inventory.by_name[name])


def text(files: tuple[Artifact, ...], path: str) -> str:
    return next(a.content for a in files if a.path == path)


def put(old: str, new: str) -> Callable[[str], str]:
    def change(base: str) -> str:
        assert old in base
        return base.replace(old, new)

    return change


@pytest.mark.parametrize(
    ("name", "change", "wanted"),
    [
        ("one-proxy-1", put("services:\n", API),
         Actions(reload=("haproxy.service", "keepalived.service", "trimtab-agent.service"))),
        ("one-router-1", put("services:\n", API), Actions(reload=("bird.service",))),
        ("one-router-1", put("backend: 2,", "backend: 2, dns: 1,"), Actions(reload=("keepalived.service",))),
        ("one-proxy-1", put("router: 2,", "router: 3,"), Actions(reload=("bird.service",))),
        ("one-router-1", put("router: 2,", "router: 1,"), Actions(reload=("bird.service",))),
        ("one-proxy-1", put("backend: 2,", "backend: 3,"), Actions(reload=("haproxy.service", "trimtab-agent.service"))),
        ("one-proxy-1", put("zone:", "tiers: {proxy: {maxconn: 30000}}\nzone:"),
         Actions(reread=True, reload=("haproxy.service",), later=("haproxy.service",))),
    ],
)  # fmt: skip
def test_a_change_does_no_more_than_it_names(
    name: str, change: Callable[[str], str], wanted: Actions
) -> None:
    found = actions(host(name), host(name, change))
    assert replace(found, sysctl=()) == wanted


@pytest.mark.parametrize("name", ["one-proxy-1", "one-router-1"])
@pytest.mark.parametrize(
    "line", ["tiers: {proxy: {maxconn: 30000}}", "vrrp: {advert: 1s}", "tiers: {router: {hold: 30s}}"]
)
def test_who_carries_traffic_is_never_started_anew(name: str, line: str) -> None:
    assert actions(host(name), host(name, put("zone:", f"{line}\nzone:"))).restart in (
        (),
        ("trimtab-front.service",),
    )


def test_what_a_count_changes_is_not_in_the_units() -> None:
    """More servers, routers or proxies: the same unit files, so nothing waits for a restart."""
    for name, change in (
        ("one-proxy-1", put("backend: 2", "backend: 40")),
        ("one-router-1", put("router: 2", "router: 1")),
        ("one-router-1", put("proxy: 2", "proxy: 3")),
    ):
        found = difference(host(name), host(name, change))
        units = [p for p in (*found.added, *found.changed, *found.removed) if p.startswith("/etc/systemd/")]
        assert units == []


def test_priorities_hang_on_the_hosts_own_number() -> None:
    kept = host("one-proxy-2", put("    upstreams", "    retired: [one-proxy-1]\n    upstreams"))
    path = "/etc/keepalived/keepalived.conf"
    assert text(kept, path) == text(host("one-proxy-2"), path)
    assert "priority 253" in text(kept, path)


def test_the_same_files_have_the_same_name_in_any_order() -> None:
    files = host("one-proxy-1")
    assert generation(files) == generation(tuple(reversed(files)))
    assert generation(files) != generation((replace(files[0], mode=0o600), *files[1:]))


def test_what_was_interrupted_is_done_with_the_next() -> None:
    one = Actions(reload=("bird.service",), start=("new.service",), later=("haproxy.service",))
    other = Actions(reload=("haproxy.service",), restart=("haproxy.service",), stop=("new.service",))
    assert joined(one, other) == Actions(
        stop=("new.service",), reload=("bird.service",), restart=("haproxy.service",)
    )


ETCD = "/etc/etcd/registry.yaml"


def test_etcd_reads_its_first_members_once() -> None:
    old = Artifact(
        ETCD,
        "name: a\ninitial-cluster: a=1\n",
        validator="etcd",
        take_up="restart",
        unit="etcd-registry.service",
    )
    unit = Artifact("/etc/systemd/system/etcd-registry.service", "x", unit="etcd-registry.service")
    grown = replace(old, content="name: a\ninitial-cluster: a=1,b=2\n")
    assert actions((old, unit), (grown, unit)) == Actions()
    slower = replace(grown, content=grown.content + "heartbeat-interval: 200\n")
    assert actions((old, unit), (slower, unit)).restart == ("etcd-registry.service",)


@pytest.mark.parametrize(
    ("state", "new", "reloads", "restarts"),
    [
        ("active", "start", "reload", "restart"),
        ("activating", "start", "restart", "restart"),
        ("failed", "start", "restart", "restart"),
        ("missing", "start", "restart", "restart"),
        ("inactive", "start", None, None),
        ("deactivating", "start", None, None),
    ],
)
def test_what_a_unit_is_told_hangs_on_whether_it_runs(
    state: Active, new: str, reloads: str | None, restarts: str | None
) -> None:
    wanted = Actions(start=("new",), reload=("reloads",), restart=("restarts",))
    assert [verb(unit, wanted, state) for unit in ("new", "reloads", "restarts")] == [new, reloads, restarts]
