"""Predicted outage of each fault, for reads and for writes.

The figures are the twin's: a machine's own processing is the measured term at the end of each sum.
"""

from __future__ import annotations

from collections.abc import Callable

from trimtab.estate.inventory import Inventory
from trimtab.render.etcd import election_ms, store_members
from trimtab.timing.interval import Interval, Prediction, Term

Predictor = Callable[[Inventory], dict[str, Prediction]]

# Processing of one route change or address move, measured in the twin.
ROUTE_CHANGE = Term("the route changes in BIRD and in the kernel", Interval(0.0, 0.1), "measured: 24-51 ms")
ADDRESS_MOVE = Term(
    "the address is set and announced (gratuitous ARP, ND)", Interval(0.0, 0.06), "measured: 10-40 ms"
)
HOOK = Term(
    "the unit's stop hook writes the track file",
    Interval(0.0, 0.06),
    "measured: 20-55 ms with the address move",
)


ORDER_CLIENT = Term(
    "an order under way waits for its client's time-out, then for its retry",
    Interval(0.0, 0.9),
    "storefront: 0.6 s and a back-off",
)


def bfd(inventory: Inventory) -> Term:
    """A session dies `multiplier` intervals after the last packet, which came up to one interval before the fault."""
    timer = inventory.estate.tiers.router.bfd
    time = Interval(timer.interval * (timer.multiplier - 1), timer.detection)
    return Term(f"BFD {timer} misses its packets", time, "RFC 5880, 6.8.4")


def hold(inventory: Inventory) -> Term:
    """Without BFD: keepalives come each third of the hold time."""
    seconds = inventory.estate.tiers.router.hold
    return Term(
        f"the BGP hold timer of {seconds:g} s ends",
        Interval(seconds * 2 / 3, seconds),
        "RFC 4271, 4.2 and 10",
    )


def vrrp(inventory: Inventory) -> Term:
    """Master_Down_Interval, less the advert interval that may have passed before the fault."""
    settings = inventory.estate.vrrp
    skew = (256 - settings.priority(1)) / 256 * settings.advert
    time = Interval(2 * settings.advert + skew, 3 * settings.advert + skew)
    return Term("the backup waits for three adverts and its skew", time, "RFC 5798, 6.1")


def vrrp_release(inventory: Inventory) -> Term:
    """A master that gives up says so (priority 0); the backup then waits only for its skew."""
    settings = inventory.estate.vrrp
    skew = (256 - settings.priority(1)) / 256 * settings.advert
    return Term("the backup hears priority 0 and waits for its skew", Interval(skew, skew), "RFC 5798, 6.4.2")


def election(inventory: Inventory) -> Term | None:
    """A follower stands after one to two election time-outs; a split vote, one in ten, costs another round."""
    for store in sorted(inventory.estate.stores):
        _, timeout, rtt = election_ms(inventory, store_members(inventory, store))
        time = Interval(0.0, 2 * timeout / 1000 + 2 * rtt + 0.3)
        return Term(
            "the store elects a leader, if it lost its own", time, "Raft (Ongaro 2014), 3.4; etcd tuning"
        )
    return None


def site_power_cut(inventory: Inventory) -> dict[str, Prediction]:
    upstreams = [u for s in inventory.estate.sites.values() for u in s.upstreams.values()]
    detect = bfd(inventory) if all(u.bfd for u in upstreams) else hold(inventory)
    return _with_writes(inventory, (detect, ROUTE_CHANGE), may_lose_leader=True)


def proxy_process_kill(inventory: Inventory) -> dict[str, Prediction]:
    return _with_writes(inventory, (HOOK, vrrp_release(inventory), ADDRESS_MOVE), may_lose_leader=False)


def proxy_power_cut(inventory: Inventory) -> dict[str, Prediction]:
    return _with_writes(inventory, (vrrp(inventory), ADDRESS_MOVE), may_lose_leader=False)


def _with_writes(
    inventory: Inventory, reads: tuple[Term, ...], *, may_lose_leader: bool
) -> dict[str, Prediction]:
    extra = election(inventory) if may_lose_leader else None
    writes = (*reads, ORDER_CLIENT, extra) if extra else (*reads, ORDER_CLIENT)
    return {"outage_s": Prediction(reads), "write_outage_s": Prediction(writes)}


FAULTS: dict[str, Predictor] = {
    "site-power-cut": site_power_cut,
    "proxy-process-kill": proxy_process_kill,
    "proxy-power-cut": proxy_power_cut,
}


def predict(inventory: Inventory, fault: str) -> dict[str, list[float]]:
    """`outage_s` and `write_outage_s` as [best, worst] seconds; empty for a fault without a prediction."""
    predictor = FAULTS.get(fault)
    if predictor is None:
        return {}
    found = predictor(inventory).items()
    return {key: [round(p.total.low, 3), round(p.total.high, 3)] for key, p in found}
