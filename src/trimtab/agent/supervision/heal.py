"""When a daemon is restarted, and when no longer: one pure judgement for each look at a unit.

The supervisor restarts what dies; this is for what it gave up, and for what runs without working. Three answers of no
over three seconds, or a unit that has failed, lead to a restart, never one that was stopped; each further one waits
longer; five in vain call for a human. What nobody could ask counts for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from trimtab.drivers.units import UnitState

FALSES, FALSE_S = 3, 3.0
ATTEMPTS = 5  # in vain, then it is escalated
FIRST_S, MOST_S = 1.0, 60.0
HELD_S = 30.0  # it works again when it worked so long
STORM, STORM_S = 5, 60.0  # so many restarts by the supervisor in so many seconds are a crash loop

Word = Literal[
    "works",
    "fails",
    "wedged",
    "dead",
    "starting",
    "stopping",
    "stopped",
    "escalated",
    "unknown",
    "missing",
    "no leader",
    "busy",
]


@dataclass(frozen=True, slots=True)
class Observation:
    """state: None where the supervisor did not say.  works: None is unknown.  why: in words, where it does not.
    blameless: the word for one that a restart would not help, though it does not work.
    """

    state: UnitState | None
    works: bool | None
    why: str = ""
    blameless: Literal["", "no leader", "busy"] = ""


@dataclass(frozen=True, slots=True)
class History:
    """What is remembered of a unit. Times in seconds of one clock.

    falses: in a row, the first at `false_at`.  attempts: restarts since it last held.  next_at: none before.
    restarts: the supervisor's counter.  storm: when it counted.
    """

    falses: int = 0
    false_at: float = 0.0
    attempts: int = 0
    next_at: float = 0.0
    well_at: float | None = None
    restarts: int | None = None
    storm: tuple[float, ...] = ()
    escalated: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """restart: why, "" for no.  word: the unit's state, for a human.  why: of the word."""

    history: History
    word: Word
    restart: str = ""
    why: str = ""


def decide(history: History, seen: Observation, now: float, free: bool = True) -> Action:
    """free: whether a restart may be at this moment at all. An agent has one at a time and none in its first seconds."""
    if seen.state is None:
        return Action(history, "escalated" if history.escalated else "unknown", why=seen.why)
    noted = _escalate(_settle(_count(history, seen, seen.state, now), now))
    word = _word(noted, seen, seen.state)
    reason = _reason(noted, seen, seen.state, now)
    if not reason or not free or now < noted.next_at:
        return Action(noted, word, "", seen.why)
    attempts = noted.attempts + 1
    wait = MOST_S if attempts >= ATTEMPTS else min(MOST_S, FIRST_S * 2 ** (attempts - 1))
    tried = replace(noted, attempts=attempts, next_at=now + wait, falses=0, well_at=None)
    return Action(tried, word, reason, seen.why)


def _count(history: History, seen: Observation, state: UnitState, now: float) -> History:
    new = max(0, state.restarts - (state.restarts if history.restarts is None else history.restarts))
    storm = tuple(at for at in (*history.storm, *[now] * min(new, STORM)) if now - at <= STORM_S)
    falses, false_at = history.falses, history.false_at
    if seen.works or state.active != "active" or seen.blameless:
        falses = 0
    elif seen.works is False:
        falses, false_at = falses + 1, now if falses == 0 else false_at
    well_at = history.well_at
    if state.active != "active" or seen.works is False or new:
        well_at = None
    elif seen.works:
        well_at = now if well_at is None else well_at
    return replace(
        history, storm=storm, falses=falses, false_at=false_at, well_at=well_at, restarts=state.restarts
    )


def _settle(history: History, now: float) -> History:
    """It held: whatever was, is forgotten."""
    if history.well_at is None or now - history.well_at < HELD_S:
        return history
    return replace(history, attempts=0, next_at=0.0, storm=(), escalated=False)


def _escalate(history: History) -> History:
    in_vain = history.attempts >= ATTEMPTS or len(history.storm) >= STORM
    return replace(history, escalated=True) if in_vain else history


def _reason(history: History, seen: Observation, state: UnitState, now: float) -> str:
    if state.active == "failed":
        return "dead"
    if history.falses >= FALSES and now - history.false_at >= FALSE_S:
        return "wedged"
    return ""


def _word(history: History, seen: Observation, state: UnitState) -> Word:
    if history.escalated:
        return "escalated"
    match state.active:
        case "missing":
            return "missing"
        case "activating":
            return "starting"
        case "deactivating":
            return "stopping"
        case "failed":
            return "dead"
        case "inactive":  # somebody stopped it: that is his to undo
            return "stopped"
    if seen.blameless:
        return seen.blameless
    if seen.works is None:
        return "unknown"
    return "works" if seen.works else "wedged" if history.falses >= FALSES else "fails"
