"""What is known of a pool, and what a change of the registry touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trimtab.agent.membership.id_claims import NOBODY, Held
from trimtab.registry.record import Health, Member, Override

Why = tuple[str, str]  # a reason of a closed set, and what is wrong


@dataclass(slots=True)
class Pool:
    """What is registered under a name. version: another one whenever members or overrides are; health_version: whenever
    health is."""

    version: int = 0
    health_version: int = 0
    members: Mapping[str, Member] = field(default_factory=dict)
    overrides: dict[str, Override] = field(default_factory=dict)
    alive: dict[str, Health] = field(default_factory=dict)


@dataclass(slots=True)
class Known:
    """Behind a Pool: what is found in the registry, whose numbers are claimed, who settled and who did not, who is held.

    lacking: of whom the last complete read had a claim, but no member.  pins: who stays as it was since the registry went
    back in time, and `pinned`: since when (seconds).
    """

    pool: Pool = field(default_factory=Pool)
    found: dict[str, Member] = field(default_factory=dict)
    claims: dict[int, str] = field(default_factory=dict)
    settled: dict[str, Member] = field(default_factory=dict)
    refused: dict[str, Why] = field(default_factory=dict)
    held: Held = NOBODY
    lacking: set[str] = field(default_factory=set)
    pins: dict[str, Member] = field(default_factory=dict)
    pinned: float = 0.0


@dataclass(slots=True)
class Changed:
    """pools, splits: that may have to be decided anew.  told: pools with other news (health) only.  proxies: hosts on which
    there is another override.
    """

    pools: set[str] = field(default_factory=set)
    splits: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    proxies: set[str] = field(default_factory=set)
    unsettled: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.pools or self.splits or self.told or self.proxies)
