"""Who begins to speak with whom, group by group: what packet filters between networks have to let through.

The listening side is what each room says of its ports; the test holds that nothing is listened on that no flow leads to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trimtab.agent_config import AgentFile
from trimtab.answers.show import Flow, Protocol
from trimtab.daemons import across
from trimtab.daemons.etcd.config import ESTATE, clusters_of, estate_members, ports_of
from trimtab.daemons.pools import used
from trimtab.daemons.rendered import describe, listened
from trimtab.estate.addressing import FAMILIES, PORTS
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import apiece, by_vrrp, sessions
from trimtab.estate.reached import reached_at

BGP, WEB = 179, (80, 443)
BFD, BFD_MULTIHOP = (3784,), (4784,)  # RFC 5881, RFC 5883
# On the loopback alone.
INSIDE = frozenset(
    PORTS[name] for name in ("front-health", "etcd-metrics", "etcd-registry-metrics", "etcd-estate-metrics")
)


def flows(inventory: Inventory) -> tuple[Flow, ...]:
    """Each once, by site."""
    told = {host.name: describe(inventory, host) for host in inventory.hosts}
    found = [flow for site in inventory.site_names() for flow in _Site(inventory, site, told).flows()]
    return tuple(dict.fromkeys(found))


class _Site:
    def __init__(self, inventory: Inventory, site: str, told: Mapping[str, AgentFile]) -> None:
        self.inventory, self.site, self.told = inventory, site, told
        self.front = _groups(inventory.front(site))
        self.routers = _groups(inventory.routers(site))
        self.registries = _groups(inventory.on_duty("registry", site))
        self.every = _groups(inventory.at(site))

    def flow(
        self, source: str, target: str, protocol: Protocol, ports: tuple[int, ...], purpose: str
    ) -> Flow:
        return Flow(self.site, source, target, protocol, ports, purpose)

    def flows(self) -> Iterator[Flow]:
        yield from self._asked_from_outside()
        yield from self._routing()
        yield from self._proxies()
        yield from self._clusters()
        yield from self._observers()
        yield from self._metrics()

    def _asked_from_outside(self) -> Iterator[Flow]:
        for group in self.front:
            if apiece(self.inventory, self.site):
                yield self.flow("balancer", group, "tcp", (PORTS["front-answer"],), "health of a proxy")
            services = self.inventory.estate.services.values()
            if any(reached_at(self.inventory, s, self.site, f) for s in services for f in FAMILIES):
                yield self.flow("clients", group, "tcp", WEB, "services")
            if any(self.inventory.internal_vips(self.site, family) for family in FAMILIES):
                others = [each for each in self.every if each != group]
                yield from (self.flow(each, group, "tcp", WEB, "internal services") for each in others)

    def _routing(self) -> Iterator[Flow]:
        for session in sessions(self.inventory, self.site):
            peer, group = f"AS{session.declared.asn} ({session.upstream})", session.host.group
            bfd = BFD_MULTIHOP if session.declared.multihop else BFD
            for source, target in ((peer, group), (group, peer)):
                yield self.flow(source, target, "tcp", (BGP,), "BGP")
                if session.declared.bfd:
                    yield self.flow(source, target, "udp", bfd, "BFD")
        for a in (*self.routers, *self.front):
            for b in (*self.routers, *self.front):
                alone = a == b and (a in self.front or len(self.inventory.routers(self.site)) < 2)
                if not alone and not (a in self.front and b in self.front):
                    yield from self._speak(a, b)
        for other in self.inventory.site_names():
            if other != self.site:
                for theirs in _groups(self.inventory.routers(other)):
                    yield from (
                        flow for own in self.routers for flow in self._speak(f"{other}/{theirs}", own)
                    )
        for group in (*self.routers, *(self.front if by_vrrp(self.inventory, self.site) else ())):
            if len(self.inventory.in_group(self.site, group)) > 1:
                yield self.flow(group, group, "vrrp", (), "VRRP")

    def _speak(self, source: str, target: str) -> Iterator[Flow]:
        yield self.flow(source, target, "tcp", (BGP,), "BGP")
        yield self.flow(source, target, "udp", BFD, "BFD")

    def _proxies(self) -> Iterator[Flow]:
        for group in self.front:
            for name, pool in used(self.inventory):
                if pool.members is not None:
                    ports = tuple(sorted({member.port for member in pool.members}))
                    yield self.flow(group, f"members of {name}", "tcp", ports, f"pool {name}")
                    continue
                members = [each for each in (pool.hosts, pool.backup) if each]
                if pool.discover is not None:
                    members += _groups(self.inventory.on_duty("members", self.site))
                for each in dict.fromkeys(members):
                    if self.inventory.in_group(self.site, each) and pool.port:
                        yield self.flow(group, each, "tcp", (pool.port,), f"pool {name}")
                for _, other in across.asked(self.inventory, pool, self.site):
                    yield from self._across(other, group)
            if any(pool.sticky and pool.sticky.by == "table" for _, pool in used(self.inventory)):
                yield self.flow(group, group, "tcp", (PORTS["haproxy-peers"],), "stick tables")

    def _across(self, other: str, group: str) -> Iterator[Flow]:
        for theirs in _groups(self.inventory.front(other)):
            yield Flow(
                other, f"{self.site}/{group}", theirs, "tcp", (PORTS["across"],), "members of other sites"
            )

    def _clusters(self) -> Iterator[Flow]:
        inventory = self.inventory
        for host in inventory.at(self.site):
            access = self.told[host.name].registry
            if access is not None:
                port = int(access.endpoints[0].rpartition(":")[2])
                yield from (
                    self.flow(host.group, each, "tcp", (port,), "registry") for each in self.registries
                )
            for name, members in clusters_of(inventory, host):
                for member in members:
                    if member != host:
                        yield self.flow(
                            self._as(member), host.group, "tcp", (ports_of(name).peer,), f"etcd {name}"
                        )
                if name not in ("registry", ESTATE):
                    for each in dict.fromkeys(map(self._as, inventory.on_duty("members"))):
                        yield self.flow(each, host.group, "tcp", (ports_of(name).client,), f"store {name}")
        store = [member for member in estate_members(inventory) if member.site == self.site]
        asking = dict.fromkeys(self._as(host) for host in inventory.hosts if self._asks_store(host))
        for member in store:
            for each in asking:
                yield self.flow(each, member.group, "tcp", (PORTS["estate-client"],), "the estate's store")

    def _as(self, host: Host) -> str:
        return host.group if host.site == self.site else f"{host.site}/{host.group}"

    def _asks_store(self, host: Host) -> bool:
        told = self.told[host.name]
        return told.estate_store is not None or told.asks is not None

    def _observers(self) -> Iterator[Flow]:
        """From where sites are watched; what is asked is `edge.health.probes`."""
        probes = self.inventory.estate.edge.health.probes
        for host in self.inventory.on_duty("registry"):
            if host.site == self.site or self.told[host.name].watch is None:
                continue
            for group in self.front:
                yield self.flow(f"{host.site}/{host.group}", group, "tcp", WEB[1:], "health of the site")
                if "icmp" in probes:
                    yield self.flow(f"{host.site}/{host.group}", group, "icmp", (), "health of the site")

    def _metrics(self) -> Iterator[Flow]:
        for host in self.inventory.at(self.site):
            wanted = {PORTS["agent-metrics"], PORTS["prometheus-haproxy"]} & listened(self.inventory, host)
            yield self.flow("monitoring", host.group, "tcp", tuple(sorted(wanted)), "metrics")


def _groups(hosts: list[Host]) -> list[str]:
    return list(dict.fromkeys(host.group for host in hosts))
