"""What a router should tell its upstreams of its site's prefixes, and whether it is so. Pure.

Two words: the committed one stands for ever, also when the store is gone. What is under way counts only under its permit
and only while it is heard of: if its coordinator or the way to the store dies, each router undoes it by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from trimtab.daemons.bird.wire import GRACEFUL_SHUTDOWN, Adverts, Prefix

# serve: announced as the estate has it.  prefer: announced with GRACEFUL_SHUTDOWN, so that whoever has another way takes
# it (RFC 8326).  withdraw: not announced at all.
Step = Literal["serve", "prefer", "withdraw"]
STEPS: tuple[Step, ...] = ("serve", "prefer", "withdraw")


@dataclass(frozen=True, slots=True)
class Committed:
    """The committed state for a site; without one it serves. at: seconds since 1970.  permit: under which it was said."""

    site: str
    step: Step
    by: str
    reason: str
    at: float
    permit: str = ""


@dataclass(frozen=True, slots=True)
class Doing:
    """A step under way, kept up by its coordinator. token: grows with each step.  ttl_s: how long it holds unheard of.
    prepend: AS numbers more in every path, for a site that comes back.
    """

    site: str
    step: Step
    permit: str
    token: int
    ttl_s: float
    prepend: int = 0


@dataclass(frozen=True, slots=True)
class PermitRef:
    """Leave to take a site out. Here only its id and its site matter."""

    id: str
    kind: str
    site: str
    ttl_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Orders:
    """All that the store says of one site. heard: when that was last known to be so, in seconds of the monotonic clock."""

    committed: Committed | None
    doing: Doing | None
    permits: tuple[PermitRef, ...]
    heard: float

    def of(self, site: str) -> Orders:
        """Without what is of another site."""
        return Orders(
            self.committed if self.committed is not None and self.committed.site == site else None,
            self.doing if self.doing is not None and self.doing.site == site else None,
            tuple(permit for permit in self.permits if permit.site == site),
            self.heard,
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """why: in words.  doing: the step under way that it follows, None for a committed word."""

    step: Step
    why: str
    doing: Doing | None = None

    @property
    def token(self) -> int:
        return self.doing.token if self.doing is not None else 0

    @property
    def prepend(self) -> int:
        return self.doing.prepend if self.doing is not None else 0


def wish(
    committed: Committed | None, doing: Doing | None, permits: Iterable[PermitRef], heard: float, now: float
) -> Wish:
    """heard: when `doing` was last known to be so.  now: read after it. Both in seconds of one monotonic clock."""
    if doing is None:
        return _standing(committed, "")
    if fault := _fault(doing, permits, heard, now):
        return _standing(committed, f"; {doing.step} is not followed: {fault}")
    return Wish(doing.step, f"under way by permit {doing.permit}", doing)


def _standing(committed: Committed | None, more: str) -> Wish:
    if committed is None:
        return Wish("serve", f"nothing else was said{more}")
    reason = f": {committed.reason}" if committed.reason else ""
    return Wish(committed.step, f"committed by {committed.by}{reason}{more}")


def _fault(doing: Doing, permits: Iterable[PermitRef], heard: float, now: float) -> str:
    """Why what is under way does not count; "" if it does. What cannot be compared (NaN, an endless time, a moment that
    is yet to come) does not: it would never undo itself.
    """
    if not any(permit.id == doing.permit and permit.site == doing.site for permit in permits):
        return "its permit is gone"
    if not isfinite(doing.ttl_s) or not 0 <= now - heard <= doing.ttl_s:
        return f"not heard of for {doing.ttl_s:g} s"
    return ""


# ---- is it so?


@dataclass(frozen=True, slots=True)
class Session:
    """A BGP session with an upstream. filtered: what its filter lets out now.  told: what the peer has been told."""

    name: str
    family: int
    up: bool
    filtered: Adverts
    told: Adverts


@dataclass(frozen=True, slots=True)
class Judgement:
    """why: what is not as wished, in words.  late: sessions whose filter is right and whose peer was not yet told.
    astray: something is announced, or kept back, against the step by our own filters; trying again may help. A prefix
    that BIRD has no route for, because no proxy holds it up, is neither: it is not ours to bring back.
    """

    why: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    astray: bool = False

    @property
    def verified(self) -> bool:
        return not self.why


def judge(step: Step, prefixes: Collection[Prefix], sessions: Sequence[Session]) -> Judgement:
    """Sessions that are not up tell nobody anything. That is as good as any for `prefer` and `withdraw`, which keep
    something from being told; `serve` wants a session in each family that has upstreams.
    """
    why, late, astray = list[str](), list[str](), False
    for session in (each for each in sessions if each.up):
        own = [prefix for prefix in prefixes if prefix.version == session.family]
        against = _against(step, own, session.told)
        why += [f"{session.name}: {prefix} {what}" for prefix, what in against]
        if against and not _against(step, own, session.filtered):
            late.append(session.name)
        astray = astray or any(what != ABSENT or prefix in session.filtered for prefix, what in against)
    if step == "serve":
        why += [f"no IPv{family} session with an upstream is up" for family in _mute(prefixes, sessions)]
    return Judgement(tuple(why), tuple(late), astray)


ABSENT = "is not announced"


def _against(step: Step, prefixes: Iterable[Prefix], told: Adverts) -> list[tuple[Prefix, str]]:
    """`prefer` is content with a prefix that is not announced: a site without proxies is emptied like any other."""
    found = []
    for prefix in prefixes:
        marked = GRACEFUL_SHUTDOWN in told.get(prefix, ())
        if prefix not in told:
            if step == "serve":
                found.append((prefix, ABSENT))
        elif step == "withdraw":
            found.append((prefix, "is announced"))
        elif marked != (step == "prefer"):
            found.append((prefix, f"is announced {'with' if marked else 'without'} GRACEFUL_SHUTDOWN"))
    return found


def _mute(prefixes: Collection[Prefix], sessions: Sequence[Session]) -> list[int]:
    announced = {prefix.version for prefix in prefixes}
    able = {session.family for session in sessions}
    return sorted((announced & able) - {session.family for session in sessions if session.up})


@dataclass(frozen=True, slots=True)
class Done:
    """What a router came to. token: of the step, 0 for a committed word.  verified: its upstreams were told so, as far as
    our own Adj-RIB-Out says.  at: since when it is exactly this, seconds since 1970.  why: of the step.  amiss: why it is
    not verified.  shift: the word of a shift that this includes, by its `at`; 0 for none.
    """

    site: str
    host: str
    step: Step
    token: int
    verified: bool
    at: float
    why: str = ""
    amiss: str = ""
    shift: float = 0.0
