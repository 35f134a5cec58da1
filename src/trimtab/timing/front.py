"""The hooks of a proxy: how its own host notices that it is gone or hangs."""

from __future__ import annotations

from trimtab.daemons.front.config import EVERY_S, FALL, TIMEOUT_S, settle_seconds, vrrp_seconds
from trimtab.estate.inventory import Inventory
from trimtab.timing.interval import Interval
from trimtab.timing.parts import Part, Term, after

RESTART_S = 2.0

STOP_HOOK = Term(
    "front",
    "the unit's stop hook writes the track file, keepalived reads it",
    Interval(0.0, 0.06),
    "systemd.service(5), ExecStopPost; measured: 20–55 ms with the address move",
    "detection",
)
WATCH_HOOK = Term(
    "front",
    "front-watch writes the track file, keepalived reads it",
    Interval(0.0, 0.06),
    "measured: 20–55 ms",
)


def watch() -> Term:
    """A proxy that hangs still accepts connections, so every question runs into its time-out.

    The first one begins up to EVERY after the fault.
    """
    span = FALL * max(EVERY_S, TIMEOUT_S)
    return Term(
        "front",
        f"{FALL} questions of front-watch stay unanswered, {TIMEOUT_S:g} s each",
        Interval(span, EVERY_S + span),
        "front-watch: every 0.2 s, time-out 0.2 s, fall 3",
        "detection",
    )


def restart(inventory: Inventory) -> Part:
    """The process comes back by itself and earns its place anew."""
    settle = settle_seconds(inventory)
    wait = Term(
        "front",
        "its supervisor starts it again",
        Interval(RESTART_S, RESTART_S + 1.0),
        "systemd.service(5), RestartSec",
    )
    earn = Term(
        "front",
        "front-watch finds every pool ready for one round of checks, then VRRP and the anchor follow",
        Interval(settle, settle + vrrp_seconds(inventory) + 2 * EVERY_S),
        "front-watch: settle and announce",
    )
    return after(wait, earn)
