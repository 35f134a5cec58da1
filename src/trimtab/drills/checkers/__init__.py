"""One file a checker, but for the small ones of `conduct`. `CHECKERS` is what a run is judged by; a claim that a
scenario does not make is passed over."""

from __future__ import annotations

from trimtab.drills.checkers.addresses import AddressesConduct
from trimtab.drills.checkers.agents import AgentsConduct
from trimtab.drills.checkers.arbiter import DrainConduct, SiteConduct
from trimtab.drills.checkers.black_hole import BlackHoleConduct
from trimtab.drills.checkers.carriers import CarriersConduct
from trimtab.drills.checkers.conduct import (
    LeaderConduct,
    LeakConduct,
    ReplicaConduct,
    RouteConduct,
    VipConduct,
    WorkersConduct,
)
from trimtab.drills.checkers.defence import HijackConduct, SessionsConduct, ValidatorsConduct
from trimtab.drills.checkers.failed import (
    FailsAtMost,
    FailsKeptAtMost,
    FailsLaterAtMost,
    FailsRetriedAtMost,
    ReturnsUnnoticed,
)
from trimtab.drills.checkers.ledger import LedgerConduct
from trimtab.drills.checkers.load_ran import LoadRan
from trimtab.drills.checkers.members import (
    HealingConduct,
    MembersConduct,
    ShareConduct,
    VersionsConduct,
)
from trimtab.drills.checkers.membership import MembershipConduct
from trimtab.drills.checkers.minority import MinorityRefuses
from trimtab.drills.checkers.orders import OrdersKept
from trimtab.drills.checkers.outage import PausesWithin, ReadsWithin
from trimtab.drills.checkers.owners import OwnersConduct
from trimtab.drills.checkers.recovery import RecoversQuietly
from trimtab.drills.checkers.releases import ReleasesConduct
from trimtab.drills.checkers.served import ServedElsewhere
from trimtab.drills.checkers.writes import WritesWithin
from trimtab.drills.verdict import Checker, Claims

CHECKERS: tuple[Checker, ...] = (
    LoadRan(),
    ReadsWithin(),
    PausesWithin(),
    FailsAtMost(),
    FailsLaterAtMost(),
    FailsRetriedAtMost(),
    FailsKeptAtMost(),
    WritesWithin(),
    MinorityRefuses(),
    OrdersKept(),
    ServedElsewhere(),
    VipConduct(),
    OwnersConduct(),
    RouteConduct(),
    LeakConduct(),
    CarriersConduct(),
    AddressesConduct(),
    LeaderConduct(),
    WorkersConduct(),
    ReplicaConduct(),
    MembersConduct(),
    MembershipConduct(),
    HealingConduct(),
    VersionsConduct(),
    ReleasesConduct(),
    AgentsConduct(),
    ShareConduct(),
    LedgerConduct(),
    SiteConduct(),
    DrainConduct(),
    HijackConduct(),
    SessionsConduct(),
    ValidatorsConduct(),
    BlackHoleConduct(),
    RecoversQuietly(),
    ReturnsUnnoticed(),
)


def checkers_for(claims: Claims) -> tuple[Checker, ...]:
    """Those whose claim is made, and always the one that asks whether the load really ran."""
    figures = {
        "reads": claims.reads_s, "writes": claims.writes_s, "orders": claims.lost, "recovery": claims.recovery_s,
        "failed": claims.failed, "failed_later": claims.failed_later,
        "failed_retried": claims.failed_retried, "failed_kept": claims.failed_kept, "pauses": claims.pauses_s,
    }  # fmt: skip
    made = {"load", *claims.conduct, *(name for name, limit in figures.items() if limit is not None)}
    return tuple(checker for checker in CHECKERS if checker.name in made)


def probes_for(checkers: tuple[Checker, ...]) -> tuple[str, ...]:
    """The names of the probes that these checkers want to hear, each once."""
    return tuple(dict.fromkeys(w for c in checkers if (w := getattr(c, "probe", ""))))
