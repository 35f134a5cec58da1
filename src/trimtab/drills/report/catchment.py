"""Who was caught where, moment by moment, out of what the probe `catchment` saw. Pure.

A group is all prefixes that everybody has in the same way in every moment: mostly a prefix of IPv4 and its sister of IPv6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trimtab.answers.routes import Heard

Json = Mapping[str, Any]
Sites = tuple[str, ...]
MOMENTS = {"before": "before", "during": "before the repair", "after": "after"}
SILENT, NOWHERE = "no answer", "not heard"


@dataclass(frozen=True, slots=True)
class Row:
    """A vantage. at: by moment the sites that have it, () where it hears nothing, None where it gave no answer."""

    vantage: str
    at: tuple[Sites | None, ...]

    @property
    def moved(self) -> bool:
        return any(map(self.moved_at, range(len(self.at))))

    def moved_at(self, moment: int) -> bool:
        """Is it elsewhere than in the first moment? Who gives no answer is nowhere else for that."""
        return None not in (self.at[moment], self.at[0]) and self.at[moment] != self.at[0]


@dataclass(frozen=True, slots=True)
class Group:
    """prefixes: with the same rows."""

    prefixes: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def moved(self) -> bool:
        return any(row.moved for row in self.rows)


@dataclass(frozen=True, slots=True)
class Catchment:
    """moments: their names, the first is what the others are held against.  groups: those with a change first."""

    moments: tuple[str, ...]
    groups: tuple[Group, ...]

    @property
    def moved(self) -> tuple[Group, ...]:
        return tuple(group for group in self.groups if group.moved)


def where(sites: Sites | None) -> str:
    """`hk`, `hk/sg` where an AS number is that of both, or why it is none."""
    return SILENT if sites is None else "/".join(sites) or NOWHERE


def catchment(moments: Mapping[str, Sequence[Heard]]) -> Catchment:
    """moments: what was heard, by name."""
    looks = [{(h.prefix, h.vantage): h.sites for h in heard} for heard in moments.values()]
    vantages = list(dict.fromkeys(h.vantage for heard in moments.values() for h in heard))
    found: dict[tuple[Row, ...], list[str]] = {}
    for prefix in dict.fromkeys(h.prefix for heard in moments.values() for h in heard):
        rows = tuple(Row(v, tuple(look.get((prefix, v)) for look in looks)) for v in vantages)
        found.setdefault(rows, []).append(prefix)
    groups = [Group(tuple(prefixes), rows) for rows, prefixes in found.items()]
    return Catchment(tuple(moments), tuple(sorted(groups, key=lambda group: not group.moved)))


def of_run(run: Json) -> Catchment | None:
    """None: it was not asked for."""
    looks = {
        title: [_heard(each) for each in seen["heard"]]
        for moment, title in MOMENTS.items()
        if (seen := (run.get("evidence") or {}).get(moment, {}).get("catchment"))
    }
    return catchment(looks) if looks else None


def _heard(told: Json) -> Heard:
    return Heard(
        str(told["vantage"]),
        str(told["prefix"]),
        str(told["path"]),
        tuple(map(str, told["sites"])),
        int(told["ways"]),
    )


def lines(found: Catchment) -> Iterator[str]:
    """What has moved, a line for all vantages of a group that moved in the same way."""
    for group in found.moved:
        ways: dict[tuple[Sites | None, ...], list[str]] = {}
        for row in group.rows:
            if row.moved:
                ways.setdefault(row.at, []).append(row.vantage)
        for at, vantages in ways.items():
            steps = " → ".join(map(where, at))
            yield f"{', '.join(group.prefixes)}: {steps} for {', '.join(vantages)}"
    for n, moment in enumerate(found.moments):
        silent = dict.fromkeys(
            row.vantage for group in found.groups for row in group.rows if row.at[n] is None
        )
        if silent:
            yield f"no answer {moment}: {', '.join(silent)}"
    if not found.moved:
        yield f"{sum(len(group.prefixes) for group in found.groups)} prefixes, nobody was caught elsewhere"
