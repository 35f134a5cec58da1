"""BFD and BGP: how a dead neighbour is noticed, and how the route moves away from it.

Sources: RFC 5880 (BFD), RFC 4271 (BGP), and for the Internet beyond the first upstream Labovitz et al., "Delayed
Internet Routing Convergence" (SIGCOMM 2000), and García-Martínez and Bagnulo, "Measuring BGP Route Propagation
Times" (IEEE Communications Letters 23, 2019).
"""

from __future__ import annotations

from trimtab.estate.inventory import Inventory
from trimtab.estate.quantity import Timer, duration_text
from trimtab.estate.upstream import Upstream
from trimtab.timing.interval import Interval
from trimtab.timing.layout import World, announcing, client_delays, every_site, uplink_delay, upstreams
from trimtab.timing.parts import Part, Term, after, first_of, last_of, one_of

# RFC 4271, 10: the suggested HoldTime; a network that we do not know may have just that.
SUGGESTED_HOLD_S = 90.0
# 9.2.1.1 and 10: at most one announcement of a route in 30 s (MRAI), and hunting takes several rounds.
HUNTING_S = 180.0
# The way of a withdrawal through somebody else's router: proportional to its prefixes unless it has BGP PIC.
FIB_S = 1.0
LEAST_DELAY_S = 0.001
COMMAND_S = 0.06

ROUTE_CHANGE = Term(
    "bgp", "BIRD chooses another route and the kernel has it", Interval(0.0, 0.06), "measured: 24–51 ms"
)
ANCHOR_GONE = Term(
    "bgp",
    "the routers have no anchor left and withdraw the site's prefixes",
    Interval(0.0, 0.06),
    "measured: 24 ms",
)


def bfd(inventory: Inventory, upstream: Upstream | None = None) -> Term:
    """A session dies `multiplier` intervals after the last packet, which came up to one interval before the fault.

    upstream: whose session it is, with timers of its own perhaps; the estate's own sessions without.
    """
    own = upstream.bfd if upstream is not None and isinstance(upstream.bfd, Timer) else None
    timer = own or inventory.estate.tiers.router.bfd
    time = Interval(timer.interval * (timer.multiplier - 1), timer.detection)
    return Term("bfd", f"BFD {timer} misses its packets", time, "RFC 5880, 6.8.4", "detection")


def hold(inventory: Inventory, upstream: Upstream | None = None) -> Term:
    """The last keepalive came up to one keepalive interval before the fault."""
    seconds = (upstream.hold if upstream else None) or inventory.estate.tiers.router.hold
    keepalive = (upstream.keepalive if upstream else None) or max(1, int(seconds) // 3)
    return Term(
        "bgp",
        f"the BGP hold timer of {duration_text(seconds)} ends",
        Interval(seconds - keepalive, seconds),
        "RFC 4271, 4.2, 4.4 and 6.5",
        "detection",
    )


def silence(inventory: Inventory, upstream: Upstream | None = None) -> Part:
    """A neighbour that speaks BFD is dead: the hold timer runs as well, and may be the shorter one."""
    fast, slow = bfd(inventory, upstream), hold(inventory, upstream)
    if slow.time.low >= fast.time.high:
        return fast
    return first_of(fast, slow, label="a dead neighbour is noticed")


def neighbour(inventory: Inventory, upstream: Upstream, world: World) -> Part:
    """How long an upstream takes to miss us.

    In the twin it speaks BFD where the estate says so. Outside that is its decision too, and a session without BFD
    on both sides comes up all the same.
    """
    if not upstream.bfd:
        return hold(inventory, upstream)
    if world == "twin":
        return silence(inventory, upstream)
    return one_of(
        silence(inventory, upstream),
        hold(inventory, upstream),
        label="whether the upstream speaks BFD is its decision",
    )


def command(inventory: Inventory) -> Term:
    """An operator's command reaches one router of the site after the other."""
    routers = max((len(inventory.routers(site)) for site in inventory.site_names()), default=1)
    return Term(
        "bgp",
        "the command reaches the site's routers, each session sends its Cease",
        Interval(0.0, COMMAND_S * routers),
        "RFC 4486; measured with the route change: 26–51 ms",
    )


def all_upstreams(inventory: Inventory, world: World) -> Part:
    """Every upstream of one site misses it: the slowest of them decides."""

    def of(site: str) -> Part:
        found = [neighbour(inventory, upstream, world) for upstream in upstreams(inventory, site)]
        return last_of(*found or [hold(inventory)], label="the site's upstreams")

    return every_site(inventory, of, announcing(inventory))


def moves(inventory: Inventory, world: World) -> Part:
    """From the first router that knows to the last one whose choice matters to a client."""
    parts: list[Part] = [ROUTE_CHANGE]
    wire = uplink_delay(inventory)
    if wire > LEAST_DELAY_S:
        parts.append(
            Term(
                "bgp",
                "what is on the wire between site and upstream still arrives",
                Interval(0.0, wire),
                FIBRE,
            )
        )
    parts += spread(inventory)
    if world == "internet":
        parts += [FORWARDING, HUNTING]
    return after(*parts)


FIBRE = "distance: 2/3 of the speed of light, paths 1.4 times as long"
FORWARDING = Term(
    "bgp",
    "routers of other networks rewrite their forwarding tables",
    Interval(0.0, FIB_S),
    'Filsfils, "BGP Prefix Independent Convergence", NANOG 40 (2007)',
)
HUNTING = Term(
    "bgp",
    "networks further away try the paths that are gone, one round in 30 s",
    Interval(0.0, HUNTING_S),
    "RFC 4271, 9.2.1.1; Labovitz 2000: three minutes; García-Martínez 2019: 121 s on average",
)
OTHERS_NOTICE = Term(
    "bgp",
    "the lost network's other neighbours notice by timers of their own",
    Interval(0.0, SUGGESTED_HOLD_S),
    "RFC 4271, 10: a hold time of 90 s is suggested",
    "detection",
)


def spread(inventory: Inventory) -> list[Part]:
    """The distance between clients and the router that turns their packets.

    A request that finds the new route was sent one way earlier. Where the networks on its path choose different
    sites, it breaks once more when the client's own network hears of the change, one way later.
    """
    delays = client_delays(inventory)
    if not delays:
        return []
    least, most = max(min(d) for d in delays.values()), max(max(d) for d in delays.values())
    if most < LEAST_DELAY_S:
        return []
    return [
        Term(
            "client",
            "the way between clients and the router that turns their packets",
            Interval(-least, most),
            FIBRE,
        )
    ]
