"""etcd: a registry in each site, and an application's store across sites.

Source: etcd 3.4 "Tuning": the heartbeat near the round trip, the election time-out several round trips.
"""

from __future__ import annotations

from itertools import combinations

from trimtab.estate.addressing import PORTS
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.place import round_trip
from trimtab.render import pki
from trimtab.render.artifact import Artifact
from trimtab.render.base import fill

MIN_ELECTION_MS = 500
HEARTBEAT_MS = 50


def link_rtt(inventory: Inventory, a: str, b: str) -> float:
    """Seconds between two sites: as the link states, otherwise by distance."""
    for link in inventory.estate.links:
        if set(link.between) == {a, b} and link.rtt is not None:
            return link.rtt
    return round_trip(inventory.estate.sites[a].at, inventory.estate.sites[b].at)


def election_ms(inventory: Inventory, members: list[Host]) -> tuple[int, int, float]:
    """(heartbeat, election time-out) in ms and the longest round trip in s.

    The election time-out is six round trips, so that one lost heartbeat elects nobody, and at least 500 ms. Heartbeats
    are small against it: survivors draw their time-outs in steps of a heartbeat, and coarse steps split the vote.
    """
    sites = sorted({m.site for m in members})
    longest = max((link_rtt(inventory, a, b) for a, b in combinations(sites, 2)), default=0.0)
    election = max(MIN_ELECTION_MS, -(-int(longest * 6000) // 100) * 100)
    return max(HEARTBEAT_MS, election // 20), election, longest


def clusters_of(inventory: Inventory, host: Host) -> list[tuple[str, list[Host]]]:
    """(name, members) of every cluster that the host belongs to."""
    found = []
    if "registry" in host.roles and inventory.estate.tiers.registry.engine == "etcd":
        found.append(("registry", inventory.with_role("registry", host.site)))
    for name, store in sorted(inventory.estate.stores.items()):
        if host.group == store.hosts:
            found.append((name, store_members(inventory, name)))
    return found


def store_members(inventory: Inventory, store: str) -> list[Host]:
    group = inventory.estate.stores[store].hosts
    return [h for site in inventory.site_names() for h in inventory.in_group(site, group)]


def render(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    return tuple(_config(inventory, host, name, members) for name, members in clusters_of(inventory, host))


def _config(inventory: Inventory, host: Host, cluster: str, members: list[Host]) -> Artifact:
    heartbeat, election, longest = election_ms(inventory, members)
    registry = cluster == "registry"
    scope = host.site if registry else "global"
    scheme = "https" if registry else "http"
    text = fill(
        "etcd/etcd.yaml.j2",
        host=host,
        cluster=cluster,
        token=f"{inventory.estate.estate}-{cluster}-{scope}",
        scheme=scheme,
        pki={"ca": pki.CA, "certificate": pki.CERTIFICATE, "key": pki.KEY} if registry else None,
        metrics_port=PORTS["etcd-registry-metrics" if registry else "etcd-metrics"],
        members=",".join(f"{m.name}={scheme}://{m.v4}:{PORTS['etcd-peer']}" for m in members),
        client_port=PORTS["etcd-client"],
        peer_port=PORTS["etcd-peer"],
        heartbeat_ms=heartbeat,
        election_ms=election,
        why=f"the longest round trip between members is {round(longest * 1000)} ms",
    )
    unit = f"etcd-{cluster}.service"
    return Artifact(f"/etc/etcd/{cluster}.yaml", text, validator="etcd", take_up="restart", unit=unit)
