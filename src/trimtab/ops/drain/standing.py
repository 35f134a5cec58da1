"""The estate store at one revision, read: what stands and what is under way.

What cannot be read never makes anything possible: without the budget, the freeze and the permits nothing is judged at all,
and a site of whose steering something cannot be read does not carry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

from trimtab.errors import InvalidResponse
from trimtab.ops.arbiter.ledger import ChangeBudget, Decision, Heard
from trimtab.ops.arbiter.records import BUDGET, FREEZE, decode, is_ours
from trimtab.ops.arbiter.world import Freeze, Permit
from trimtab.ops.steering.shift import Shift
from trimtab.ops.steering.wish import Committed, Doing, Done
from trimtab.registry.base import Snapshot
from trimtab.registry.fields import BadRecord, NewerRecord

NEEDED = ("gate", "freeze", "permit")  # kinds without which nothing is judged
# The store is read whole each time, and from one revision to the next little changes.
decoded = lru_cache(maxsize=2048)(decode)


@dataclass(frozen=True, slots=True)
class Standing:
    """By site, and what its routers said by site and host. unread: a record that cannot be read, by the site whose steering it is."""

    revision: int
    change_budget: ChangeBudget = field(default_factory=ChangeBudget)
    freeze: Freeze | None = None
    permits: tuple[Permit, ...] = ()
    committed: Mapping[str, Committed] = field(default_factory=dict)
    doing: Mapping[str, Doing] = field(default_factory=dict)
    done: Mapping[str, Mapping[str, Done]] = field(default_factory=dict)
    heard: Mapping[str, Mapping[str, Heard]] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    shifts: Mapping[str, Shift] = field(default_factory=dict)

    @staticmethod
    def of(snapshot: Snapshot) -> Standing:
        """Raises InvalidResponse where the budget, the freeze or a permit cannot be read."""
        return _Reading(snapshot).standing()

    def away(self) -> frozenset[str]:
        """Sites that are drained, steered away from, or on the way there or back."""
        stands = {name for name, word in self.committed.items() if word.step != "serve"}
        return frozenset(
            stands | {name for name, step in self.doing.items() if step.step != "serve"} | set(self.unread)
        )


def decisions_in(records: Mapping[str, bytes], after: int = 0) -> list[Decision]:
    """Those that can be read, of a number above `after`, oldest first."""
    first, found = f"decision/{after:010d}", []
    for key in sorted(key for key in records if key.startswith("decision/") and key > first):
        with suppress(BadRecord):
            row = decoded(key, records[key])
            if isinstance(row, Decision):
                found.append(row)
    return found


class _Reading:
    """Builds it; `decision/…` is passed over, since nothing here asks for the past."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._revision = snapshot.revision
        self._found: dict[str, object] = {}
        self._unread: dict[str, str] = {}
        for key, value in snapshot.records.items():
            if not key.startswith("decision/") and is_ours(key):
                self._read(key, value)

    def _read(self, key: str, value: bytes) -> None:
        kind, _, rest = key.partition("/")
        try:
            self._found[key] = decoded(key, value)
        except BadRecord as error:
            if kind in NEEDED:
                newer = isinstance(error, NewerRecord)
                hint = "nothing is judged before that" if newer else "nothing is judged before it is deleted"
                raise InvalidResponse(f"the estate store: {error}", hint) from error
            if kind in ("steer", "doing", "done"):
                self._unread[rest.partition("/")[0]] = key

    def standing(self) -> Standing:
        change_budget, freeze = self._found.get(BUDGET), self._found.get(FREEZE)
        found = list(self._found.values())
        return Standing(
            self._revision,
            change_budget if isinstance(change_budget, ChangeBudget) else ChangeBudget(),
            freeze if isinstance(freeze, Freeze) else None,
            tuple(each for each in found if isinstance(each, Permit)),
            {each.site: each for each in found if isinstance(each, Committed)},
            {each.site: each for each in found if isinstance(each, Doing)},
            _by_host(each for each in found if isinstance(each, Done)),
            _by_host(each for each in found if isinstance(each, Heard)),
            self._unread,
            {each.site: each for each in found if isinstance(each, Shift)},
        )


D = TypeVar("D", Done, Heard)


def _by_host(records: Iterable[D]) -> dict[str, dict[str, D]]:
    found: dict[str, dict[str, D]] = {}
    for record in records:
        found.setdefault(record.site, {})[record.host] = record
    return found
