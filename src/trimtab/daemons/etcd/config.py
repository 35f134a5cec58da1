"""etcd: a registry in each site, the estate's own store across sites, and an application's.

Source: etcd 3.4 "Tuning": the heartbeat near the round trip, the election time-out several round trips.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, zip_longest

from trimtab.daemons import pki
from trimtab.daemons.artifact import HOOKS, Artifact
from trimtab.daemons.template import fill
from trimtab.estate.addressing import PORTS
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import apart
from trimtab.estate.place import round_trip

JOIN_HOOK = f"{HOOKS}/etcd-join"
MIN_ELECTION_MS = 500
HEARTBEAT_MS = 50
OWN_HEARTBEAT_MS = 100  # etcd's own value: no order waits for the registry or the estate's store to elect
REGISTRY, ESTATE = "registry", "estate"  # our own clusters; no store of an application may have these names
MOST_MEMBERS = (
    5  # of the estate's store: each further one makes every write slower and no loss likelier to be survived
)


@dataclass(frozen=True, slots=True)
class Ports:
    client: int
    peer: int
    metrics: int


def ports_of(cluster: str) -> Ports:
    """Where a cluster is asked. The estate's store shares its hosts with registries, so it has ports of its own."""
    if cluster == ESTATE:
        return Ports(PORTS["estate-client"], PORTS["estate-peer"], PORTS["etcd-estate-metrics"])
    metrics = PORTS["etcd-registry-metrics" if cluster == REGISTRY else "etcd-metrics"]
    return Ports(PORTS["etcd-client"], PORTS["etcd-peer"], metrics)


def secured(cluster: str) -> bool:
    """Ours speak mutual TLS and authenticate; how an application's is secured is its own."""
    return cluster in (REGISTRY, ESTATE)


def link_rtt(inventory: Inventory, a: str, b: str) -> float:
    """Seconds between two sites: as the link states, otherwise by distance."""
    for link in inventory.estate.links:
        if set(link.between) == {a, b} and link.rtt is not None:
            return link.rtt
    return round_trip(inventory.estate.sites[a].at, inventory.estate.sites[b].at)


def election_ms(
    inventory: Inventory, members: list[Host], least: int = HEARTBEAT_MS
) -> tuple[int, int, float]:
    """(heartbeat of at least `least`, election time-out) in ms and the longest round trip in s.

    The election time-out is six round trips, so that one lost heartbeat elects nobody, and at least 500 ms. Heartbeats
    are small against it: survivors draw their time-outs in steps of a heartbeat, and coarse steps split the vote.
    """
    sites = sorted({m.site for m in members})
    longest = max((link_rtt(inventory, a, b) for a, b in combinations(sites, 2)), default=0.0)
    election = max(MIN_ELECTION_MS, -(-int(longest * 6000) // 100) * 100)
    return max(least, election // 20), election, longest


def clusters_of(inventory: Inventory, host: Host) -> list[tuple[str, list[Host]]]:
    """(name, members) of every cluster that the host belongs to."""
    found = []
    if host.does("registry") and inventory.estate.tiers.registry.engine == "etcd":
        found.append((REGISTRY, inventory.on_duty("registry", host.site)))
    if host.does("registry") and host in (members := estate_members(inventory)):
        found.append((ESTATE, members))
    for name, store in sorted(inventory.estate.stores.items()):
        if host.group == store.hosts:
            found.append((name, store_members(inventory, name)))
    return found


def estate_members(inventory: Inventory) -> list[Host]:
    """Of the estate's own store: registry hosts, one of each site in turn, by the sites' ids; three or five of them.

    A site to which no private path leads has none. An even number survives no more than the odd one below it. Without an etcd
    registry anywhere there is no store.
    """
    if inventory.estate.tiers.registry.engine != "etcd":
        return []
    reached = [site for site in inventory.site_names() if not apart(inventory, site)]
    by_site = [inventory.on_duty("registry", site) for site in reached]
    by_site = [hosts for hosts in by_site if hosts]
    turns = [host for turn in zip_longest(*by_site) for host in turn if host is not None]
    wanted = MOST_MEMBERS if len(by_site) >= MOST_MEMBERS else 3
    most = min(wanted, len(turns))
    return turns[: most if most % 2 else most - 1]


def store_members(inventory: Inventory, store: str) -> list[Host]:
    group = inventory.estate.stores[store].hosts
    return [h for site in inventory.site_names() for h in inventory.in_group(site, group)]


def rendered_file(cluster: str) -> str:
    return f"/etc/etcd/{cluster}.yaml"


def used_file(cluster: str) -> str:
    """What etcd reads: the rendered file, or that of a member whose disk was lost (`etcd-join`)."""
    return f"/run/etcd-{cluster}/etcd.yaml"


def render(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    found = [_config(inventory, host, name, members) for name, members in clusters_of(inventory, host)]
    return (*found, _join()) if found else ()


def _join() -> Artifact:
    files = {"ca": pki.CA, "certificate": pki.CERTIFICATE, "key": pki.KEY, "password": pki.ROOT_PASSWORD}
    return Artifact(JOIN_HOOK, fill("etcd/etcd-join.py.j2", pki=files), mode=0o755, validator="python")


def _config(inventory: Inventory, host: Host, cluster: str, members: list[Host]) -> Artifact:
    least = OWN_HEARTBEAT_MS if cluster in (REGISTRY, ESTATE) else HEARTBEAT_MS
    heartbeat, election, longest = election_ms(inventory, members, least)
    scope = host.site if cluster == REGISTRY else "global"
    scheme = "https" if secured(cluster) else "http"
    ports = ports_of(cluster)
    text = fill(
        "etcd/etcd.yaml.j2",
        host=host,
        cluster=cluster,
        token=f"{inventory.estate.estate}-{cluster}-{scope}",
        scheme=scheme,
        pki={"ca": pki.CA, "certificate": pki.CERTIFICATE, "key": pki.KEY} if secured(cluster) else None,
        metrics_port=ports.metrics,
        members=",".join(f"{m.name}={scheme}://{m.v4}:{ports.peer}" for m in members),
        client_port=ports.client,
        peer_port=ports.peer,
        heartbeat_ms=heartbeat,
        election_ms=election,
        why=f"the longest round trip between members is {round(longest * 1000)} ms",
    )
    unit = f"etcd-{cluster}.service"
    return Artifact(rendered_file(cluster), text, validator="etcd", take_up="restart", unit=unit)
