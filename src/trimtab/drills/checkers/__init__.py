"""One file a checker. `CHECKERS` is what a run is judged by; a claim that a scenario does not make is
passed over."""

from __future__ import annotations

from trimtab.drills.checkers.load_ran import LoadRan
from trimtab.drills.checkers.orders import OrdersKept
from trimtab.drills.checkers.outage import ReadsWithin
from trimtab.drills.checkers.recovery import RecoversQuietly
from trimtab.drills.checkers.writes import WritesWithin
from trimtab.drills.verdict import Checker, Claims

CHECKERS: tuple[Checker, ...] = (LoadRan(), ReadsWithin(), WritesWithin(), OrdersKept(), RecoversQuietly())


def checkers_for(claims: Claims) -> tuple[Checker, ...]:
    """Those whose claim is made, and always the one that asks whether the load really ran."""
    made = {
        "reads": claims.reads_s, "writes": claims.writes_s, "orders": claims.lost, "recovery":
        claims.recovery_s,
        "load": True,
    }  # fmt: skip
    return tuple(checker for checker in CHECKERS if made[checker.name] is not None)
