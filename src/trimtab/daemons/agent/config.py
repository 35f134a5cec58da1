"""The agent of a host: what it has to know (`agent.json`), its unit, and how the twin's differs: not at all but one word."""

from __future__ import annotations

from trimtab import agent_config
from trimtab.agent_config import (
    AgentFile,
    ArbiterFile,
    AskedPool,
    AsksFile,
    Front,
    FrontFile,
    PoolFile,
    ProxyFile,
    RegistryAccess,
    SiteFile,
    SplitFile,
    SteerFile,
    Unit,
    WatchFile,
)
from trimtab.daemons.agent.daemon import UNIT
from trimtab.daemons.announcing import anchors, has_routes, session_name
from trimtab.daemons.artifact import HOOKS, Artifact
from trimtab.daemons.bird.blackhole import accepting, takes_holes
from trimtab.daemons.etcd.config import estate_members, link_rtt
from trimtab.daemons.exabgp.config import TOLD
from trimtab.daemons.front.config import vrrp_seconds
from trimtab.daemons.haproxy.features import features
from trimtab.daemons.haproxy.once import fresh
from trimtab.daemons.haproxy.server import check_options
from trimtab.daemons.pki import CA, CERTIFICATE, KEY, PASSWORD, USER
from trimtab.daemons.pools import servers, used
from trimtab.daemons.splits import splits
from trimtab.estate.addressing import FAMILIES, PORTS
from trimtab.estate.capacity import front_requests, peak_requests
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import apart, apiece, by_vrrp, sessions, speakers, speaks
from trimtab.estate.pool import Pool
from trimtab.estate.reached import reached_at

CONSUL_PORT = 8501
PROGRAM = f"{HOOKS}/agent"
# systemd's search path and where a package or a virtual environment may have put us.
_RUN = """#!/bin/sh
# Rendered by trimtab: changes here are lost.
PATH=$PATH:/usr/local/bin:/opt/trimtab/bin exec trimtab-agent "$@"
"""


def render(inventory: Inventory, host: Host, watched: tuple[Unit, ...]) -> tuple[Artifact, ...]:
    text = agent_config.dump(describe(inventory, host, watched))
    return (
        Artifact(agent_config.PATH, text, validator="json", take_up="reload", unit=UNIT),
        Artifact(PROGRAM, _RUN, mode=0o755, validator="sh", take_up="restart", unit=UNIT),
    )


def describe(inventory: Inventory, host: Host, watched: tuple[Unit, ...]) -> AgentFile:
    """watched: the units that it looks after."""
    registry = registry_access(inventory, host)
    steers = host.does("gateway") or speaks(inventory, host)
    return AgentFile(
        host=host.name,
        site=host.site,
        estate=inventory.estate.estate,
        address=host.v4,
        metrics_port=PORTS["agent-metrics"],
        supervisor="systemd",
        units=watched,
        registry=registry,
        proxy=_proxy(inventory, host) if host.does("vips") else None,
        serves=_serves(inventory, host),
        estate_store=estate_access(inventory, host.site) if steers or host.does("registry") else None,
        steer=_steer(inventory, host) if steers else None,
        watch=_watch(inventory) if host.does("registry") else None,
        arbiter=_arbiter(inventory) if host.does("registry") else None,
        discovers=_discovers(inventory) if registry else (),
        asks=_asks(inventory, host) if registry else None,
    )


def _discovers(inventory: Inventory) -> tuple[str, ...]:
    """Of every pool, used or not: a host registers before the first route leads to it."""
    return tuple(sorted({p.discover for p in inventory.estate.pools.values() if p.discover is not None}))


def _serves(inventory: Inventory, host: Host) -> dict[str, tuple[str, ...]]:
    """Two pools may discover the same name: an override on it concerns the members of both."""
    found: dict[str, set[str]] = {}
    for name, pool in used(inventory):
        names = {server.name for server in servers(inventory, pool, host.site) if not server.empty}
        if host.name in names:
            found.setdefault(pool.discover or name, set()).update(names)
    return {name: agent_config.ranges_of(names) for name, names in sorted(found.items())}


def registry_access(inventory: Inventory, host: Host) -> RegistryAccess | None:
    """That of the site: no host ever asks another site's."""
    members = inventory.on_duty("registry", host.site)
    if not members:
        return None
    engine = inventory.estate.tiers.registry.engine
    port = PORTS["etcd-client"] if engine == "etcd" else CONSUL_PORT
    return RegistryAccess(
        engine=engine,
        endpoints=tuple(f"https://{member.v4}:{port}" for member in members),
        prefix=f"/trimtab/{inventory.estate.estate}",
        ca=CA,
        certificate=CERTIFICATE,
        key=KEY,
        user=USER if engine == "etcd" else "",
        password=PASSWORD,
    )


def estate_access(inventory: Inventory, site: str) -> RegistryAccess | None:
    """The way to the estate's own store, the nearest member first; None where there is none."""
    members = [] if apart(inventory, site) else estate_members(inventory)
    near = sorted(
        members, key=lambda m: (0.0 if m.site == site else link_rtt(inventory, site, m.site), m.name)
    )
    if not near:
        return None
    return RegistryAccess(
        engine="etcd",
        endpoints=tuple(f"https://{member.v4}:{PORTS['estate-client']}" for member in near),
        prefix=f"/trimtab/{inventory.estate.estate}",
        ca=CA,
        certificate=CERTIFICATE,
        key=KEY,
        user=USER,
        password=PASSWORD,
    )


def _steer(inventory: Inventory, host: Host) -> SteerFile | None:
    if not inventory.front(host.site):
        return None
    announced = {str(f): tuple(map(str, inventory.announced(host.site, f))) for f in FAMILIES}
    if not has_routes(inventory, host):
        return SteerFile(announced=announced, socket=TOLD)  # what others announce it does not hear
    named = [site for site in inventory.site_names() if site != host.site and inventory.front(site)]
    others = [site for site in named if not apiece(inventory, site)]
    own = {site: [inventory.public(site, f) for f in FAMILIES] for site in others}
    spoken = [each for each in sessions(inventory, host.site) if each.host.name == host.name]
    return SteerFile(
        announced=announced,
        others={site: tuple(str(p) for p in prefixes if p is not None) for site, prefixes in own.items()},
        ases={site: inventory.asn(site) for site in others},
        sessions={session_name(each.upstream, each.family): tuple(each.families) for each in spoken},
        blackholes=accepting(inventory, host) if takes_holes(inventory, host.site) else None,
    )


def _watch(inventory: Inventory) -> WatchFile | None:
    """A site's endpoint is the address of its own that clients come to, or those of its proxies; anycast ones lead anywhere."""
    health, fronts = inventory.estate.edge.health, []
    services = [(n, s) for n, s in sorted(inventory.estate.services.items()) if inventory.is_by_site(s)]
    for site in inventory.site_names():
        for _, service in services[:1]:
            found = [str(a) for f in FAMILIES for a in reached_at(inventory, service, site, f)]
            if found:
                fronts.append(Front(site, tuple(found), service.names[0]))
    if not fronts:
        return None
    return WatchFile(
        tuple(fronts), health.probes, health.every, health.timeout, health.fall, health.rise, ca=CA
    )


def _arbiter(inventory: Inventory) -> ArbiterFile | None:
    """None where there is no store to ask in."""
    file, quorum = inventory.estate.arbiter, inventory.estate.edge.health.quorum
    if not estate_members(inventory):
        return None
    sites = {
        site: SiteFile(
            tuple(host.name for host in speakers(inventory, site)),
            tuple(host.name for host in inventory.front(site)),
            front_requests(inventory, site),
        )
        for site in inventory.site_names()
        if inventory.front(site) and speakers(inventory, site)
    }
    vantage = tuple(site for site in inventory.site_names() if inventory.on_duty("registry", site))
    return ArbiterFile(
        sites,
        vantage,
        None if quorum == "majority" else int(quorum),
        file.sites,
        float(file.members),
        file.changes,
        float(file.window),
        peak_requests(inventory.estate),
        float(file.settle),
        float(file.patience),
        float(file.restore),
        file.automatic,
        tuple(map(int, file.ramp.prepend)),
        float(file.ramp.pause) if file.ramp.prepend else 0.0,
    )


def _asks(inventory: Inventory, host: Host) -> AsksFile | None:
    """Of every host that serves, or may register. None without a store to ask in, and where no proxy would miss it."""
    store = estate_access(inventory, host.site)
    if store is None or not inventory.front(host.site):
        return None
    pools = []
    for name, pool in used(inventory):
        names = {server.name for server in servers(inventory, pool, host.site) if not server.empty}
        if pool.discover is not None or host.name in names:
            ranges = agent_config.ranges_of(names)
            pools.append(AskedPool(name, pool.discover or name, ranges, pool.discover is not None))
    return AsksFile(store, float(inventory.estate.arbiter.members), tuple(pools)) if pools else None


def _proxy(inventory: Inventory, host: Host) -> ProxyFile:
    engine = inventory.estate.tiers.proxy.engine
    shares = {
        (service, name): SplitFile(service, name, dict(route.split or {}), route.by)
        for service, name, route in splits(inventory)
    }
    pools = tuple(_pool(inventory, name, pool, host) for name, pool in used(inventory))
    return ProxyFile(
        engine=engine,
        unit=f"{engine}.service",
        drain=inventory.estate.tiers.proxy.timeouts.drain,
        pools=pools,
        splits=tuple(shares.values()),
        front=_front(inventory, host),
    )


def _front(inventory: Inventory, host: Host) -> FrontFile | None:
    """A proxy without another one has nobody to give its addresses to."""
    if len(inventory.front(host.site)) < 2:
        return None
    seconds = vrrp_seconds(inventory, host.site)
    if not by_vrrp(inventory, host.site):  # it carries as long as it has the anchor: no address moves
        return FrontFile(tuple(str(anchors(inventory, host.site, f)[0]) for f in FAMILIES), seconds)
    vips = tuple(str(address) for family in FAMILIES for address in inventory.held(host.site, family))
    return FrontFile(vips, seconds)


def _pool(inventory: Inventory, name: str, pool: Pool, host: Host) -> PoolFile:
    of_file = [server for server in servers(inventory, pool, host.site) if not server.empty]
    return PoolFile(
        name=name,
        registry=pool.discover or "",
        slots=pool.slots if pool.discover is not None else 0,
        # without its cookie a member that is added at run time would keep nobody
        dynamic=pool.sticky is None or pool.sticky.by != "cookie" or features(host.platform).dynamic_cookie,
        options=f"{check_options(pool.check)} {fresh(features(host.platform))}",
        panic=round(pool.panic),
        spare=f"{name}--panic",
        patient=f"{name}--patient",
        servers=tuple(agent_config.Server(s.id, s.name, s.address, s.weight, s.backup) for s in of_file),
    )
