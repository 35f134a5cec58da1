"""A scenario: what is broken under which load, and what is claimed about it. Data; `scenario_file` reads it from YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trimtab.drills.verdict import Claims

OBJECTIVES = ("rto", "write_rto", "write_rpo")
FIGURES = (
    "reads",
    "pauses",
    "writes",
    "orders",
    "recovery",
    "failed",
    "failed_later",
    "failed_retried",
    "failed_kept",
)
COUNTS = ("orders", "failed", "failed_later", "failed_retried", "failed_kept")
# What the estate itself is expected to do, and the words for it; each has a checker of the same name.
CONDUCT: Mapping[str, tuple[str, ...]] = {
    "vip": ("moves", "stays"),
    "owners": ("one",),
    "route": ("leaves", "stays"),
    "leak": ("none",),
    "carriers": ("one-leaves", "one-restarts"),
    "addresses": ("one-leaves",),
    "leader": ("moves",),
    "workers": ("renewed", "kept"),
    "minority": ("refuses",),
    "returns": ("unnoticed",),
    "served": ("elsewhere", "moved"),
    "replica": ("catches-up",),
    "members": ("stays", "catch-up"),
    "membership": ("rejoins",),
    "healing": ("escalates",),
    "versions": ("renewed",),
    "releases": ("upgraded",),
    "agents": ("side-by-side",),
    "share": ("asked",),
    "site": ("stays-serving", "not-taken", "taken"),
    "ledger": ("once",),
    "hijack": ("refused",),
    "sessions": ("stay",),
    "validators": ("told",),
    "blackhole": ("one-address",),
    "drain": ("done", "refused", "one-of-two", "whole"),
}
CLAIMS = (*FIGURES, *CONDUCT)
ABOUT_ROUTES = {"route", "carriers", "leak", "hijack", "sessions", "site", "drain"}
BUSIEST = "nearest-to-most-clients"


@dataclass(frozen=True, slots=True)
class Load:
    """Run the load undisturbed for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Prepare:
    """Bring about a condition before the fault, one that clients do not notice."""

    kind: str
    of: str


@dataclass(frozen=True, slots=True)
class Inject:
    """Break something: a kind of `FAULTS`, at one of its places."""

    kind: str
    of: str


@dataclass(frozen=True, slots=True)
class Observe:
    """Watch for `at_least` seconds, and longer until nothing fails any more, `at_most` seconds."""

    at_least: float
    at_most: float


@dataclass(frozen=True, slots=True)
class Restore:
    """Undo the fault, then what was prepared."""


@dataclass(frozen=True, slots=True)
class WaitReady:
    """Wait until every session, VIP and check of the twin is up again."""

    at_most: float


Step = Load | Prepare | Inject | Observe | Restore | WaitReady


@dataclass(frozen=True, slots=True)
class Scenario:
    """claims: by name an objective's name, a limit of its own (`reads`, `pauses`, `writes`, `orders`, `recovery`,
    `failed`), or a word of `CONDUCT`.  site: the default of that argument.  arguments: what the command line may name.
    """

    name: str
    shows: str
    site: str
    steps: tuple[Step, ...]
    claims: Mapping[str, str | float]
    arguments: tuple[str, ...] = field(default=("site",))

    @property
    def about_routes(self) -> bool:
        """Does it claim something of what other networks hear?"""
        return not ABOUT_ROUTES.isdisjoint(self.claims)

    def limits(self, objectives: Mapping[str, float | None]) -> Claims:
        """The claims in figures. A claim on an objective that the estate does not promise is not made."""
        keys = {"rto": "rto_s", "write_rto": "write_rto_s", "write_rpo": "write_rpo"}
        found = {
            name: objectives.get(keys[limit]) if isinstance(limit, str) else limit
            for name, limit in self.claims.items()
            if name in FIGURES
        }
        counts = {name: None if (limit := found.get(name)) is None else int(limit) for name in COUNTS}
        return Claims(
            reads_s=found.get("reads"),
            pauses_s=found.get("pauses"),
            writes_s=found.get("writes"),
            lost=counts["orders"],
            recovery_s=found.get("recovery"),
            failed=counts["failed"],
            failed_later=counts["failed_later"],
            failed_retried=counts["failed_retried"],
            failed_kept=counts["failed_kept"],
            conduct={name: str(word) for name, word in self.claims.items() if name in CONDUCT},
        )
