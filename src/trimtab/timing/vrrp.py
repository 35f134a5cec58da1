"""VRRP: how the addresses of a dead or silent proxy reach its partner. Source: RFC 5798."""

from __future__ import annotations

from trimtab.estate.inventory import Inventory
from trimtab.estate.quantity import duration_text
from trimtab.timing.interval import Interval
from trimtab.timing.parts import Term

ADDRESS_MOVE = Term(
    "vrrp",
    "the partner sets the addresses and announces them (gratuitous ARP, ND)",
    Interval(0.0, 0.06),
    "measured: 10–40 ms",
)


def skews(inventory: Inventory) -> Interval:
    """Skew_Time of whoever takes over: the second host, or the first where it did not preempt."""
    settings = inventory.estate.vrrp
    low, high = ((256 - settings.priority(index)) / 256 * settings.advert for index in (0, 1))
    return Interval(high if settings.preempt else low, high)


def master_down(inventory: Inventory) -> Term:
    """Master_Down_Interval, less the advertisement interval that may have passed before the fault."""
    advert = inventory.estate.vrrp.advert
    skew = skews(inventory)
    return Term(
        "vrrp",
        f"three advertisements of {duration_text(advert)} are missed, and the partner's skew",
        Interval(2 * advert + skew.low, 3 * advert + skew.high),
        "RFC 5798, 6.1",
        "detection",
    )


def release(inventory: Inventory) -> Term:
    """A master that gives up says so with priority 0; the partner then waits for its skew alone."""
    return Term(
        "vrrp", "the partner hears priority 0 and waits for its skew", skews(inventory), "RFC 5798, 6.4.2 and 6.4.3",
        "detection",
    )  # fmt: skip
