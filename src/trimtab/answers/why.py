"""`trimtab why`: a site, a host or a member, and what was decided about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trimtab.answers.members import State
from trimtab.answers.status import Frozen, Site

Kind = Literal[
    "drain-site", "drain-site-done", "drain-site-undone", "undrain-site-begun", "undrain-site", "undrain-site-undone",
    "drain-proxy", "drain-proxy-undone", "undrain-proxy", "drain-member", "undrain-member",
    "shift-site", "unshift-site", "blackhole", "blackhole-lifted", "freeze", "thaw",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """One rule of the arbiter that objected."""

    rule: str
    """Its name, as docs/arbiter.md has it."""
    text: str
    """A sentence for people, with its figures."""
    overruled: bool
    """Whether force overruled it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a request would have cost, when it was asked. Zeros for what nobody judges."""

    sites_before: int
    """How many sites carried."""
    sites_after: int
    """How many would have carried."""
    full_before: float | None
    """Peak load as a share of the capacity of those that carried, 1.0 is full; null where either was not known."""
    full_after: float | None
    """The same of those that would have carried, at most 1e9."""
    peers: int
    """How many healthy ones of its own kind a proxy or a member would have left."""
    peers_of: int
    """Of how many, itself included."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was asked of the arbiter and answered, or what came of it."""

    at: float
    """Seconds since 1970, by the clock of who asked."""
    granted: bool
    """The answer."""
    word: Literal["granted", "forced", "refused", "begun", "done", "undone"]
    """The same in one word, or what came of it."""
    kind: Kind
    """What was asked for, or done."""
    target: str
    """A site, a host, POOL/MEMBER, or `estate`."""
    by: str
    """USER@HOST, or `trimtab` for the agents."""
    reason: str
    """Its reason, "" where none was given."""
    force: bool
    """Whether it came with --force."""
    automatic: bool
    """Whether agents asked."""
    objections: tuple[Said, ...]
    """Of the rules, those that stood and those that force overruled."""
    figures: Figures
    """What it would have cost."""


@dataclass(frozen=True, slots=True)
class SiteDecision(Decision):
    """One about a site."""

    lost: bool
    """Whether it was begun, and nobody has said how it ended: it was undone."""


@dataclass(frozen=True, slots=True)
class WhySite(Site):
    """Why a site is as it is."""

    decisions: tuple[SiteDecision, ...]
    """The last ones, newest first."""
    frozen: Frozen | None
    """The freeze; null for none."""
    findings: tuple[str, ...]
    """Sentences on what is to be read in the sites together."""
    incidents: tuple[str, ...]
    """A sentence for each of its that is open."""


@dataclass(frozen=True, slots=True)
class Override:
    """What an operator wants."""

    state: State
    """Of a proxy ready or drain."""
    by: str
    """USER@HOST."""
    reason: str
    """Its reason, "" where none was given."""
    weight: int | None = None
    """What a member is to have in the place of its own, 0 to 256."""


@dataclass(frozen=True, slots=True)
class Restart:
    """The last one of a daemon that its host's agent saw."""

    at: float
    """When its new process was first seen, seconds since 1970."""
    why: str
    """The agent's reason, "" where somebody else did it."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """How a proxy stands to its site's addresses."""

    holds: bool
    """Whether it has them."""
    last: bool
    """Whether it competes for them from the last place, because it is drained."""
    since: float
    """Since when it has them or not, seconds since 1970; 0 where that was before its agent looked."""


@dataclass(frozen=True, slots=True)
class PoolMember:
    """The place of a host in one pool."""

    weight: int
    """What requests go by, 0 to 256; 0 takes none."""
    health: str
    """passing, failing, or unknown by its agent's word; "" of one that the estate names."""
    override: Override | None
    """An operator's word; null for none."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A proxy's check that changed its mind."""

    at: float
    """Seconds since 1970."""
    proxy: str
    """Whose check, a host."""
    member: str
    """POOL/MEMBER."""
    up: bool
    """What it found from then on."""
    why: str
    """HAProxy's word for the last check, such as L4CON; "" where there is none."""


@dataclass(frozen=True, slots=True)
class WhyHost:
    """Why a host is as it is."""

    target: str
    """Its name."""
    site: str
    """Where it is."""
    units: dict[str, str] | None
    """By unit, its state in words; null where its agent has not told lately."""
    restarts: dict[str, Restart]
    """By unit, of those that were restarted."""
    agent_since: float | None
    """Since when its agent looks, seconds since 1970; null where that is not known."""
    drained: bool
    """Of a proxy: whether an operator's word keeps it out."""
    addresses: Addresses | None
    """Of a proxy whose agent tells."""
    override: Override | None
    """Of a proxy: an operator's word; null for none."""
    pools: dict[str, PoolMember]
    """By pool."""
    turns: tuple[Turn, ...]
    """About it in all its pools, newest first."""
    decisions: tuple[Decision, ...]
    """The last ones, newest first."""


@dataclass(frozen=True, slots=True)
class WhyMember:
    """Why a member of a pool is as it is."""

    target: str
    """POOL/MEMBER."""
    site: str
    """Where it is."""
    weight: int
    """What requests go by, 0 to 256; 0 takes none."""
    health: str
    """passing, failing, or unknown by its agent's word; "" of one that the estate names."""
    override: Override | None
    """An operator's word; null for none."""
    checks: dict[str, bool]
    """By proxy, whether its own checks find it up; without those that do not tell."""
    under_way: dict[str, int]
    """By proxy, the requests under way to it, where it takes no new ones."""
    turns: tuple[Turn, ...]
    """About it, newest first."""
    decisions: tuple[Decision, ...]
    """The last ones, newest first."""


Why = WhySite | WhyHost | WhyMember
