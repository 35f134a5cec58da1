"""`trimtab drain`, `undrain`, `shift`: what they tell while they work, one event a line. The last is one of `Last`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What would be left, before anything is done."""

    event: Literal["effect"] = "effect"
    target: str
    """A site, a proxy's host, or POOL/MEMBER."""
    site: str
    """Where that is."""
    sites_before: tuple[str, ...]
    """Sites that carry now."""
    sites_after: tuple[str, ...]
    """Sites that would carry."""
    full_before: float | None
    """Peak load as a share of the capacity of those that carry now, 1.0 is full; null where either is not known."""
    full_after: float | None
    """The same of those that would carry, at most 1e9."""
    peers: int
    """Of a proxy or a member: how many healthy ones of its own kind are left."""
    peers_of: int
    """Of how many, itself included."""
    takes: bool
    """Whether the target carries anything now."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done, or waited for."""

    at: float
    """Seconds since 1970."""
    monotonic_s: float
    """Seconds of the machine's monotonic clock."""
    step: str
    """One word for programs: prefer, withdraw, waits, commits, undoes, drain, ramp, shift, clear, done, not done."""
    why: str
    """A sentence for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped(Step):
    """A step, told as it is done."""

    event: Literal["step"] = "step"


@dataclass(frozen=True, slots=True)
class Objection:
    """One rule of the arbiter that objects."""

    rule: str
    """Its name, as docs/arbiter.md has it."""
    text: str
    """A sentence for people, with its figures."""
    hint: str
    """What to do about it."""
    overruled: bool
    """Whether force has overruled it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a dry run was answered. Nothing was begun."""

    event: Literal["answer"] = "answer"
    target: str
    """A site, a proxy's host, or POOL/MEMBER."""
    site: str
    """Where that is."""
    dry_run: Literal[True] = True
    granted: bool
    """Whether it would be drained, or shifted."""
    objections: tuple[Objection, ...] = ()
    """Those that stand, and those that force has overruled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The arbiter's no. Nothing was begun."""

    event: Literal["denied"] = "denied"
    target: str
    """A site, a proxy's host, or POOL/MEMBER."""
    site: str
    """Where that is."""
    objections: tuple[Objection, ...]
    """Those that stand, and those that force has overruled."""


@dataclass(frozen=True, slots=True)
class Connections:
    """Of all proxies of a site together; null where one of them does not tell."""

    before: int | None
    """When it was begun."""
    after: int | None
    """When it has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it ended."""

    event: Literal["ended"] = "ended"
    target: str
    """A site, a proxy's host, or POOL/MEMBER."""
    site: str
    """Where that is."""
    done: bool
    """Whether it is as it was asked for; otherwise it stays, or comes to be again, as it was."""
    why: str
    """A sentence for people."""
    steps: tuple[Step, ...]
    """All that were told."""
    connections: Connections | None = None
    """Of a site that was drained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Any other error."""

    event: Literal["failed"] = "failed"
    message: str
    """What was got, and the limit."""
    hint: str
    """What to do about it."""


Last = Answered | Refused | Ended | Failed
Event = Effect | Stepped | Last
