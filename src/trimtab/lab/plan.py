"""From an estate to the twin that runs it: hosts, their networks, the Internet around them, and what must be true when it is up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from trimtab.daemons.consul.rendered import wanted as has_consul
from trimtab.daemons.etcd.config import ESTATE, clusters_of, estate_members, link_rtt, ports_of
from trimtab.daemons.pki import CA
from trimtab.daemons.pools import used
from trimtab.daemons.probe import ReadyCheck
from trimtab.daemons.rendered import listened, ready_checks, render_host, unit_order
from trimtab.daemons.sysctl.config import settings
from trimtab.daemons.table import table
from trimtab.delivery import systems
from trimtab.delivery.throwaway import (
    ThrowawayCa,
    bgp_passwords,
    certificate_files,
    host_files,
    password_files,
    registry_passwords,
)
from trimtab.errors import BadInput
from trimtab.estate.addressing import FAMILIES, Vlan
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import joined, speaks
from trimtab.lab import clients, cloud, consul, exchange, rack, ranges, rpki, storefront, transit, uplinks
from trimtab.lab.differences import file_limit, for_twin
from trimtab.lab.facts import facts
from trimtab.lab.topology import Leg, Node, Segment, Topology, wan_segment

LAST_WAY = 1024  # the metric of a way out that is taken when BIRD knows none


def plan(inventory: Inventory, name: str, source: str = "") -> Topology:
    """The twin of an estate. Deterministic but for its throwaway secrets. source: the path of its file, for commands that
    are given inside. Raises EnvironmentUnable for an estate that brings a Consul which is not here.
    """
    return _Planner(inventory, name, source).topology()


class _Planner:
    def __init__(self, inventory: Inventory, name: str, source: str) -> None:
        self.inventory, self.source = inventory, source
        self.name = name
        self.files = file_limit()
        self.ca = ThrowawayCa(inventory.estate.estate)
        self.certificates = certificate_files(inventory, self.ca)
        self.passwords = bgp_passwords(inventory)
        self.registries = registry_passwords()
        self.links = uplinks.links(inventory)
        self.servers = exchange.servers(self.links)
        self.nets = transit.transits(inventory)
        self.members = exchange.members(inventory, self.servers, len(self.nets))
        self.nets += self.members
        self.nets += cloud.clouds(inventory, len(self.nets))
        self.ranges = ranges.choose(inventory, len(self.nets))
        self.regions = clients.regions(inventory, self.nets, self.ranges) if self.nets else []

    def topology(self) -> Topology:
        segments, self.uplinks = transit.connect(
            self.inventory, self.nets, self.links, self.passwords, self.ranges
        )
        told_s = self.inventory.estate.tiers.router.bfd.detection  # as late as BFD would have noticed
        segments += [segment for region in self.regions for segment in clients.attach(region, told_s)]
        segments += self._private_segments()
        clients.tell_farthest(self.nets, self.regions)
        rack.stand_in(self.inventory, self.nets)
        self._require_one_etcd()
        nodes = [
            cloud.translating(self.inventory, net, transit.node(self.inventory, net)) for net in self.nets
        ]
        nodes += [self._route_server(server) for server in self.servers]
        nodes += [self._host(host) for host in self.inventory.hosts]
        nodes += [clients.node(self.inventory, region, self.ca.pem) for region in self.regions]
        foreign = rpki.foreign(self.inventory, self.ranges)
        nodes = rpki.serving(self.inventory, nodes, foreign, self.source)
        checks = tuple(self._checks({node.name: node for node in nodes}))
        return Topology(
            self.name,
            tuple(nodes),
            tuple(segments),
            checks,
            {
                **facts(self.inventory, self.regions, nodes, self.links),
                "source": self.source,
                "rpki": rpki.facts(self.inventory, nodes, foreign),
                "estate_store": self._estate_store(),
                "automatic": self.inventory.estate.arbiter.automatic,
            },
        )

    def _route_server(self, server: exchange.Server) -> Node:
        other = next(each for each in self.members if each.name in server.wire.theirs)
        return exchange.node(self.inventory, server, other, self.passwords)

    def _estate_store(self) -> dict[str, object] | None:
        hosts = [member.name for member in estate_members(self.inventory)]
        return {"hosts": hosts, "client_port": ports_of(ESTATE).client} if hosts else None

    # ---- networks

    def _private_segments(self) -> list[Segment]:
        sites = self.inventory.site_names()
        found = [Segment(_vlan_segment(site, v)) for site in sites for v in self.inventory.vlans(site)]
        for i, a in enumerate(sites):
            for b in (each for each in sites[i + 1 :] if each in joined(self.inventory, a)):
                delay = link_rtt(self.inventory, a, b) * 500
                found.append(Segment(wan_segment(a, b), round(delay, 2) if delay >= 0.5 else None))
        return found

    def _legs(self, host: Host) -> list[Leg]:
        if not host.does("gateway"):
            own = tuple(f"{host.address(f)}/{host.vlan.network(f).prefixlen}" for f in FAMILIES)
            leg = Leg(host.interface, _vlan_segment(host.site, host.vlan), own)
            return [leg, *self.uplinks.get(host.name, [])]
        legs = [self._router_leg(host, vlan) for vlan in self.inventory.vlans(host.site)]
        return legs + self.uplinks.get(host.name, []) + self._wan_legs(host)

    def _router_leg(self, host: Host, vlan: Vlan) -> Leg:
        length = {f: vlan.network(f).prefixlen for f in FAMILIES}
        addresses = [f"{self.inventory.in_network(host, vlan, f)}/{length[f]}" for f in FAMILIES]
        if vlan == host.vlan:
            addresses += [f"{host.address(f)}/{length[f]}" for f in FAMILIES]
        return Leg(vlan.interface, _vlan_segment(host.site, vlan), tuple(dict.fromkeys(addresses)))

    def _wan_legs(self, host: Host) -> list[Leg]:
        if host.name != self.inventory.routers(host.site)[0].name:
            return []
        legs = []
        for other in joined(self.inventory, host.site):
            number = self.inventory.estate.sites[other].id
            links = [self.inventory.path(f, host.site, other) for f in FAMILIES]
            addresses = tuple(f"{local}/{net.prefixlen}" for net, local, _ in links)
            legs.append(Leg(f"site{number}", wan_segment(host.site, other), addresses))
        return legs

    def _routes(self, host: Host) -> tuple[str, ...]:
        if host.does("gateway"):
            return ()
        v4, v6 = (self.inventory.gateway(host.site, host.vlan, f) for f in FAMILIES)
        # BIRD's own way out comes first (metric 32), and this one holds while there is none
        last = f" metric {LAST_WAY}" if speaks(self.inventory, host) else ""
        return (f"default via {v4}{last}", f"-6 default via {v6}{last}")

    # ---- hosts

    def _host(self, host: Host) -> Node:
        files = [for_twin(artifact, self.files) for artifact in render_host(self.inventory, host)]
        delivered = tuple(artifact.path for artifact in files)
        files += host_files(host, self.ca, self.registries)
        units = list(unit_order(self.inventory, host))
        if host.does("gateway") or speaks(self.inventory, host):
            files += password_files(self.inventory, host.site, self.passwords)
        if host.does("vips"):
            files += self.certificates
        if host.does("members"):
            shop = storefront.files(self.inventory, host)
            files += shop
            units += [artifact.unit for artifact in shop if artifact.unit]
        brought = consul.files(self.inventory, host, self.ca, self.registries)
        files += brought
        units += [artifact.unit for artifact in brought if artifact.unit]
        return Node(
            name=host.name,
            kind="host",
            site=host.site,
            roles=host.roles,
            gateway=host.does("gateway"),
            legs=tuple(self._legs(host)),
            routes=self._routes(host),
            sysctls=self._sysctls(host),
            files=tuple(files),
            units=tuple(units),
            system=systems.wanted(host.platform),
            shares=self._shares(host),
            delivered=delivered,
        )

    def _shares(self, host: Host) -> tuple[str, ...]:
        """What a host with another system still sees of this machine: the estate's file, and a Consul that was brought."""
        estate = (str(Path(self.source).parent),) if self.source else ()
        return (*estate, str(Path(consul.program()).parent)) if has_consul(self.inventory, host) else estate

    def _sysctls(self, host: Host) -> tuple[tuple[str, str], ...]:
        """Those of the rendered file that belong to a network namespace; the others are the machine's own."""
        wanted = settings(self.inventory, host, listened(self.inventory, host)).items()
        return tuple((k, v) for k, v in wanted if k.startswith("net.") and not k.startswith("net.netfilter."))

    # ---- readiness

    def _checks(self, nodes: dict[str, Node]) -> list[ReadyCheck]:
        found = [*self._routing_checks(nodes), *ready_checks(self.inventory)]
        found += consul.checks(self.inventory)
        up = table().engine(self.inventory.estate.tiers.proxy.engine).up
        # members by address are outside the estate: nothing in the twin answers for them
        own = [(name, pool) for name, pool in used(self.inventory) if pool.members is None]
        if up is not None and own:
            for h in self.inventory.on_duty("vips"):
                wanted = tuple(
                    f"{name}={storefront.members(self.inventory, h.site, pool)}" for name, pool in own
                )
                found.append(ReadyCheck(up.kind, f"{h.name}: every pool member up", (h.name,), wanted))
        for region in self.regions:
            for target in clients.targets(self.inventory, region):
                for address in target["addresses"]:
                    url = f"https://{target['host']}{target['path']}"
                    what = f"{region.name}: {target['service']} answers at {address}"
                    found.append(ReadyCheck("http", what, (region.node,), (url, address, clients.CA_FILE)))
        return found + list(self._inside_checks())

    def _inside_checks(self) -> Iterator[ReadyCheck]:
        """Each internal address answers a host of its site that is no proxy: one behind a gateway, where there is such a host."""
        for site in self.inventory.site_names():
            others = [host for host in self.inventory.at(site) if not host.does("vips")]
            for host in sorted(others, key=lambda h: h.does("gateway"))[:1]:
                held = {str(a) for f in FAMILIES for a in self.inventory.internal_vips(site, f)}
                for name, service in sorted(self.inventory.estate.services.items()):
                    for address in (str(a) for a in service.internal if str(a) in held):
                        url = f"https://{service.names[0]}{clients.read_path()}"
                        what = f"{host.name}: {name} answers at {address}"
                        yield ReadyCheck("http", what, (host.name,), (url, address, CA))

    def _routing_checks(self, nodes: dict[str, Node]) -> list[ReadyCheck]:
        found = []
        for node in nodes.values():
            config = next((f.content for f in node.files if f.path == "/etc/bird/bird.conf"), "")
            sessions = tuple(re.findall(r"^protocol bgp (\w+)", config, re.MULTILINE))
            if sessions:
                found.append(
                    ReadyCheck("bgp", f"{node.name}: {len(sessions)} BGP sessions", (node.name,), sessions)
                )
        found += self._bfd_checks()
        found += [check for net in self.nets for check in transit.checks(net)]
        return found + self._hearing_checks() + rpki.checks(self.inventory)

    def _bfd_checks(self) -> list[ReadyCheck]:
        """A session without the BFD that the estate states is up, and slow to notice anything."""
        found: dict[str, list[str]] = {}
        for link in self.links:
            if link.session.declared.bfd:
                found.setdefault(link.session.host.name, []).append(str(link.session.peer))
        return [
            ReadyCheck(
                "bfd", f"{host}: BFD with {len(peers)} upstreams", (host,), tuple(dict.fromkeys(peers))
            )
            for host, peers in found.items()
        ]

    def _hearing_checks(self) -> list[ReadyCheck]:
        """Every upstream hears the own prefix of every site that it carries; a member of an exchange those of its LAN."""
        found = []
        for server in self.servers:
            for peer in server.peers:
                prefix = self.inventory.public(server.site, 4 if peer.version == 4 else 6)
                if prefix is not None and self.inventory.front(server.site):
                    what = f"{server.node}: hears {server.site}'s {prefix}"
                    found.append(ReadyCheck("route", what, (server.node,), (str(prefix),)))
        for site in self.inventory.site_names():
            upstreams = self.inventory.estate.sites[site].upstreams.values()
            for upstream in upstreams if self.inventory.front(site) else ():
                for family in FAMILIES:
                    prefix = self.inventory.public(site, family)
                    if prefix is not None and upstream.carries(family) and upstream.role != "route-server":
                        what = f"as{upstream.asn}: hears {site}'s {prefix}"
                        net = next(each for each in self.nets if each.asn == upstream.asn)
                        found.append(ReadyCheck(transit.hears(net), what, (net.name,), (str(prefix),)))
        return found

    def _require_one_etcd(self) -> None:
        """A cluster begins with one version. Raises BadInput: a user that a 3.5 member makes has no password on a 3.4 one
        (3.5 sends its hash in a field that 3.4 does not know), so nobody would get in there.
        """
        for host in self.inventory.hosts:
            for name, members in clusters_of(self.inventory, host):
                found = {
                    member.name: systems.wanted(member.platform) or "this machine's" for member in members
                }
                if len(set(found.values())) > 1:
                    said = ", ".join(f"{member} {release}" for member, release in sorted(found.items()))
                    raise BadInput(
                        f"members of the etcd cluster `{name}` would begin with different versions: {said}",
                        "the same for all of its hosts, `--system registry=RELEASE`; "
                        "the drill registry-version-upgrade goes from one to the other",
                    )


def _vlan_segment(site: str, vlan: Vlan) -> str:
    return uplinks.lan_segment(site, vlan)
