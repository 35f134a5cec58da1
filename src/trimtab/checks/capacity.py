"""What sites can carry, from the hardware that the estate states; None wherever a figure is missing.

Where VRRP moves the VIPs one proxy holds all of them (one sync group), and one router is the gateway: a site carries what one of
each carries, the others are spares, not capacity. With `front: bgp` and `front: none` all proxies carry at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from trimtab.checks.subject import Subject
from trimtab.estate.capacity import carriers
from trimtab.estate.fault import Loc
from trimtab.estate.hardware import Hardware
from trimtab.estate.peering import by_vrrp

PACKET_BITS = 1500 * 8  # the largest on an ordinary path: as few packets as the bits can be in

# Where no figure is stated: a connection carries one request a second and lives ten seconds, which is how long the
# proxies keep an idle one (`timeout http-keep-alive 10s`).
REQUESTS_A_CONNECTION_S = 1.0
CONNECTION_LIFE_S = 10.0

Capacities = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Demand:
    """What peak asks for. requests: a second.  bandwidth: bits a second to clients.

    loc: where it is promised.  shares: figures that stand elsewhere, because only services state them.
    """

    requests: float | None
    bandwidth: float | None
    loc: Loc
    shares: Mapping[str, Loc] = field(default_factory=dict)

    def at(self, key: str) -> Loc:
        """Where one of the figures stands."""
        return (*self.shares.get(key, self.loc), key)


def demand(subject: Subject) -> Demand | None:
    """The estate's peak; a figure that it leaves out is the sum of its services' shares, at the first of them."""
    total = subject.estate.objectives.peak
    shared: dict[str, Loc] = {}
    figures: dict[str, float | None] = {}
    for key in ("requests", "bandwidth"):
        stated: float | None = getattr(total, key) if total else None
        if stated is None:
            shares = [(n, getattr(s.objectives.peak, key, None)) for n, s in subject.estate.services.items()]
            given = [(name, share) for name, share in shares if share]
            if given:
                stated = sum(share for _, share in given)
                shared[key] = ("services", given[0][0], "objectives", "peak")
        figures[key] = stated
    if total is None and not shared:
        return None
    loc: Loc = ("objectives", "peak") if total is not None else next(iter(shared.values()))
    return Demand(figures["requests"], figures["bandwidth"], loc, shared)


def lost_sites(subject: Subject) -> int:
    """How many sites may be lost at peak; 1 unless the estate says otherwise."""
    stated = subject.estate.objectives.survive_sites
    return 1 if stated is None else stated


def left(subject: Subject, capacities: Capacities) -> tuple[float, list[str]]:
    """What is left when the sites that carry most are lost: their sum, and the names of the sites that are left."""
    kept = sorted(capacities, key=lambda site: capacities[site])[
        : max(0, len(capacities) - lost_sites(subject))
    ]
    return sum(capacities[site] for site in kept), sorted(kept)


def per_site(subject: Subject, of: Callable[[Subject, str], float | None]) -> Capacities | None:
    """`of` of each site that serves; None as soon as one is unknown, or if none is left (`no-site-to-lose` says so)."""
    if lost_sites(subject) >= len(subject.fronts):
        return None
    found: dict[str, float] = {}
    for site in subject.fronts:
        value = of(subject, site)
        if value is None:
            return None
        found[site] = value
    return found


def proxy(subject: Subject, site: str) -> Hardware | None:
    return subject.hardware(subject.inventory.front(site)[0].group)


def machines(subject: Subject, site: str) -> list[tuple[Hardware | None, int]]:
    """(machine, how many at once) of all that a site's traffic passes: its proxies, and its gateway where that is a host of ours.
    A router that announces by itself is one of the proxies.
    """
    routers = [host for host in subject.inventory.routers(site) if by_vrrp(subject.inventory, site)]
    passed = [(proxy(subject, site), carriers(subject.inventory, site))]
    return [*passed, *((subject.hardware(host.group), 1) for host in routers[:1])]


def bandwidth(subject: Subject, site: str) -> float | None:
    """Bits a second that leave a site: by the ports of its gateway and of its proxies, and by their packet rates."""
    passed = machines(subject, site)
    limits = [h.nic.total * count for h, count in passed if h is not None]
    if len(limits) < len(passed):
        return None
    limits += [
        h.measured.packets * PACKET_BITS * count
        for h, count in passed
        if h is not None and h.measured.packets
    ]
    return min(limits)


def proxy_requests(subject: Subject, site: str) -> float | None:
    """Requests a second of the proxies that carry at once, as measured."""
    machine = proxy(subject, site)
    return _of_all(subject, site, machine.measured.requests if machine else None)


def handshakes(subject: Subject, site: str) -> float | None:
    machine = proxy(subject, site)
    return _of_all(subject, site, machine.measured.handshakes if machine else None)


def cores(subject: Subject, site: str) -> float | None:
    machine = proxy(subject, site)
    return _of_all(subject, site, float(machine.cores) if machine else None)


def connections(subject: Subject, site: str) -> float | None:
    """That the proxies hold at most."""
    return _of_all(subject, site, float(subject.estate.tiers.proxy.maxconn))


def _of_all(subject: Subject, site: str, each: float | None) -> float | None:
    return None if each is None else each * carriers(subject.inventory, site)


def backend_groups(subject: Subject) -> list[str]:
    """Groups that the pools of routes take their members from."""
    return sorted({pool.hosts for _, pool in subject.used_pools() if pool.hosts})


def backend_requests(subject: Subject, site: str) -> float | None:
    """Requests a second of a site's members with one host of each group lost, as measured."""
    groups = backend_groups(subject)
    if not groups:
        return None  # the members stand outside of the estate
    total = 0.0
    for group in groups:
        machine = subject.hardware(group)
        if machine is None or machine.measured.requests is None:
            return None
        members = len(subject.inventory.in_group(site, group))
        total += max(0, members - 1) * machine.measured.requests
    return total


def site_requests(subject: Subject, site: str) -> float | None:
    """The lesser of what a site's proxy and its members answer. Where one is unknown it is at most the other."""
    known = [v for v in (proxy_requests(subject, site), backend_requests(subject, site)) if v is not None]
    return min(known, default=None)


def bottleneck(subject: Subject, sites: list[str]) -> str:
    """What decides `site_requests` in these sites, in words."""
    found = set()
    for site in sites:
        least = site_requests(subject, site)
        found |= {"proxy"} if proxy_requests(subject, site) == least else {"members less one"}
    return found.pop() if len(found) == 1 else "proxy or members less one, whichever is less,"


def words(subject: Subject, kept: list[str]) -> str:
    """`with 1 of 3 sites lost (hk and sg are left)`."""
    names = " and ".join(kept) if len(kept) <= 3 else str(len(kept))
    verb = "is" if len(kept) == 1 else "are"
    return f"with {lost_sites(subject)} of {len(subject.fronts)} sites lost ({names} {verb} left)"
