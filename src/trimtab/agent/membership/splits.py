"""The shares of a route: the registry's word where it fits the estate's pools, otherwise the last that did, or the
estate's. Pure; and the entries that they are in the proxy's maps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trimtab.agent.membership.pools import Reason
from trimtab.agent_config import SplitFile, bounds
from trimtab.registry.record import Split


@dataclass(frozen=True, slots=True)
class Chosen:
    """shares: pool → share, sorted, every pool of the split.  reasons: what of the registry was refused."""

    shares: tuple[tuple[str, int], ...]
    by: str
    reasons: tuple[Reason, ...] = ()


def decide_split(file: SplitFile, record: Split | None, last: Chosen | None) -> Chosen:
    """last: what this function said before; it is kept while the record cannot be used."""
    if record is None:
        return Chosen(_sorted(file.shares), file.by)
    if strange := sorted(set(record.shares) ^ set(file.shares)):
        text = f"{record.service}/{record.name}: {', '.join(strange[:5])} "
        text += "is in the registry's shares or in the estate's, not in both"
        fits = last is not None and {pool for pool, _ in last.shares} == set(file.shares)
        kept = last if last is not None and fits else Chosen(_sorted(file.shares), file.by)
        return Chosen(kept.shares, kept.by, (Reason("unknown_pool", text),))
    return Chosen(_sorted(record.shares), record.by)


def split_map(chosen: Mapping[str, Chosen]) -> dict[str, str]:
    """`SERVICE/NAME/POOL` → its bound."""
    return {
        f"{name}/{pool}": str(bound)
        for name, each in chosen.items()
        for pool, bound in bounds(dict(each.shares)).items()
    }


def by_map(chosen: Mapping[str, Chosen]) -> dict[str, str]:
    """`SERVICE/NAME` → what divides."""
    return {name: each.by for name, each in chosen.items()}


def name_of(file: SplitFile) -> str:
    return f"{file.service}/{file.name}"


def _sorted(shares: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(shares.items()))


def by_name(files: Iterable[SplitFile]) -> dict[str, SplitFile]:
    return {name_of(file): file for file in files}
