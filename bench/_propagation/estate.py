"""The bench's site: an estate of one site with a pair of proxies, and what our renderers make of it.

What is changed in the rendered files is here, each edit with its reason; one that matches nothing stops the bench.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from _propagation.plan import Plan, name
from trimtab.agent_config import AgentFile, Probe
from trimtab.daemons.haproxy import config as haproxy
from trimtab.daemons.rendered import describe
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.load import read_estate

HOST_NAME = "www.bench.example"
UNITS = "run/units.sock"  # below a proxy's root
REGISTRY_PORT = 2379


@dataclass(frozen=True, slots=True)
class Edit:
    """pattern: of a whole line; new: in its place.  once: in the place of the first, the others go."""

    pattern: str
    new: str
    why: str
    once: bool = False


@dataclass(frozen=True, slots=True)
class Files:
    """What a proxy begins with. routes: the map of the front end."""

    main: str
    pools: str
    routes: str


def text(plan: Plan) -> str:
    """The estate. Checks come once a minute: ten thousand a second would be what is measured. HAProxy counts a check
    as an open file, so that with 20,000 connections it would want more files than many machines allow.
    """
    names = [name(pool) for pool in range(plan.pools)]
    check = "check: {get: /health, every: 60s, fast: 60s}"
    return "\n".join(
        [
            "estate: bench",
            "zone: bench.example",
            "edge: {anycast: {prefixes: [203.0.113.0/24]}}",
            f"tiers: {{proxy: {{maxconn: 2000}}, registry: {{engine: {plan.registry}}}}}",
            "sites:",
            "  one:",
            "    id: 98",
            "    at: [0, 0]",
            "    asn: 64601",
            "    hosts: {router: 1, proxy: 2, registry: 1}",
            "    upstreams: {transit: {asn: 64500, peer: [198.51.100.1]}}",
            "services:",
            "  www:",
            f"    names: [{HOST_NAME}]",
            "    address: anycast",
            "    routes:",
            *(f"      - {{path: /{each}/, pool: {each}}}" for each in names),
            "pools:",
            *(f"  {each}: {{discover: {each}, slots: {plan.slots}, {check}}}" for each in names),
            "",
        ]
    )


def inventory(plan: Plan) -> Inventory:
    return Inventory(read_estate(text(plan))[0])


def registry_url(site: Inventory, port: int = REGISTRY_PORT) -> str:
    return f"http://{site.with_role('registry')[0].v4}:{port}"


def proxy_files(site: Inventory, host: Host, root: Path) -> Files:
    """root: where the host's /run and /etc are."""
    rendered = {each.path: each.content for each in haproxy.render(site, host)}
    names = (f"{pool} {pool}" for pool in sorted(site.estate.pools))
    main = edited(rendered[haproxy.CONFIG], _edits(host))
    return Files(rooted(main, root), rooted(rendered[haproxy.POOLS], root), "\n".join(names) + "\n")


def rooted(rendered: str, root: Path) -> str:
    return rendered.replace("/run/haproxy", f"{root}/run").replace("/etc/haproxy", f"{root}/etc")


def _edits(host: Host) -> Sequence[Edit]:
    routes = (
        "    http-request set-var(txn.pool) path,field(2,/),map(/etc/haproxy/route.map)\n"
        "    http-request set-var(txn.route) str(map) if { var(txn.pool) -m found }"
    )
    return (
        Edit(r"    bind \S+:80", f"    bind {host.v4}:81", "the redirect to TLS, aside"),
        Edit(r"    bind \S+:443 .*", f"    bind {host.v4}:80", "each proxy its own address, and no TLS"),
        Edit(r"    bind 127\.0\.0\.1:8404", f"    bind {host.v4}:8404", "two proxies share the loopback"),
        Edit(
            r"    http-request set-var\(txn\.(?:route|pool)\) str\(.*", routes, "not 2,000 rules", once=True
        ),
    )


def edited(rendered: str, edits: Sequence[Edit]) -> str:
    """Each edit in its turn. Raises ValueError for one that matches nothing."""
    for edit in edits:
        parts = re.split(rf"(?m)^{edit.pattern}\n", rendered)
        if len(parts) == 1:
            raise ValueError(f"nothing matches {edit.pattern!r} ({edit.why})")
        new = f"{edit.new}\n" if edit.new else ""
        rendered = parts[0] + new + ("" if edit.once else new).join(parts[1:])
    return rendered


def agent_file(site: Inventory, host: Host, root: Path) -> AgentFile:
    """As rendered, but: the registry in plain HTTP without users, HAProxy's files where they are here, and daemons
    that do not run here answered for by stand-ins.
    """
    found = describe(site, host)
    assert found.registry is not None and found.proxy is not None
    access = replace(
        found.registry, endpoints=(registry_url(site),), ca="", certificate="", key="", user="", password=""
    )
    units = tuple(replace(unit, probe=_probe(unit.probe, host)) for unit in found.units)
    return replace(
        found,
        registry=access,
        supervisor=f"unix:{root}/{UNITS}",
        units=units,
        proxy=replace(found.proxy, socket=f"{root}/run/admin.sock", maps=f"{root}/run"),
    )


def _probe(probe: Probe, host: Host) -> Probe:
    if probe.kind == "command":
        return replace(probe, target=f"/bin/echo {probe.expect}")
    return replace(probe, target=probe.target.replace("127.0.0.1", host.v4))
