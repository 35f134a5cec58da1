"""The life of an incident: what is in it and what is seen now in, the incident as it is now out. Pure.

detected ─ classified ─ acted ─ verified ─ closed. Level-triggered: the same seen twice is the same as once. What nobody can
tell opens nothing, ends nothing, and is told of one that is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from trimtab.ops.arbiter.ledger import Decision
from trimtab.ops.arbiter.world import OF_SITES
from trimtab.ops.health.verdict import SiteVerdict
from trimtab.ops.incidents.incident import (
    CLASSES,
    MAX_ROUTERS,
    MAX_SAID,
    Class,
    Event,
    Incident,
    State,
    plain,
    span,
)
from trimtab.ops.steering.wish import STEPS, Committed, Done, Step

# Rows of these: the committed state says it too, or the next row.
STANDS_SO = ("drain-site-done", "undrain-site-begun")
MOST_BEFORE = 10  # requests of just before that it begins with
HOLD_S = 30.0  # so long a site serves, by quorum, in a row, before it is over
STANDS: Mapping[Step, str] = {
    "serve": "announced as the estate has it",
    "prefer": "announced as second choice",
    "withdraw": "no longer announced",
}


@dataclass(frozen=True, slots=True)
class Steer:
    """How a site stands to the Internet. committed: the committed state, without one it serves.  under_way: whether a step
    is.  done: what its routers came to.
    """

    committed: Committed | None = None
    under_way: bool = False
    done: tuple[Done, ...] = ()

    @property
    def step(self) -> Step:
        return self.committed.step if self.committed else "serve"


@dataclass(frozen=True, slots=True)
class Sighting:
    """Of one site. decisions: about it, oldest first; without an open incident those of just before.  newest: the number of the
    last one about any site.  everywhere: a quorum finds that no site serves.  first: when the first vantage point had come
    to its word, seconds since 1970.  itself: whether its own observers reach it; nobody else does while it is not announced.
    """

    verdict: SiteVerdict
    steer: Steer = Steer()
    decisions: tuple[Decision, ...] = ()
    newest: int = 0
    everywhere: bool = False
    first: float = 0.0
    itself: bool = False

    @property
    def is_begun(self) -> bool:
        """Whether an incident is: a site that was drained and is well has none, though others are answered by another one, nor
        has one whose drain was undone a moment ago.
        """
        drained = self.steer.step == "withdraw" or self.steer.under_way or any(map(_takes, self.decisions))
        away = drained and self.itself
        return self.verdict.state in ("unhealthy", "unreachable") and not away


def decide(held: Incident | None, seen: Sighting, now: float) -> Incident | None:
    """The incident to be written, None: nothing is. held: the open one of the site.  now: seconds since 1970."""
    if held is None:
        return _opened(seen, now) if seen.is_begun else None
    now = max(now, held.last)
    found = _acted(held, seen, now)
    found = _judged(found, seen, now)
    found = _closed(found, seen.steer, now)
    return None if found == held else found


def class_of(seen: Sighting) -> Class:
    if seen.everywhere:
        return "everywhere"
    return "unhealthy" if seen.verdict.state == "unhealthy" else "unreachable"


# ---- it begins, and is classified


def _opened(seen: Sighting, now: float) -> Incident:
    verdict, steer = seen.verdict, seen.steer
    rows = (row for row in seen.decisions if row.request.kind not in STANDS_SO)
    before = sorted((Event(min(row.at, now), _word_of(row), plain(words_of(row))) for row in rows), key=_at)
    new = Incident(
        0, verdict.site, "detected", class_of(seen), "not serving",
        first=min(seen.first, now), since=min(verdict.since, now), opened=now, step=steer.step,
        routers=_routers({}, steer.done), decision=seen.newest, said=_said((), verdict), events=tuple(before[-MOST_BEFORE:]),
    )  # fmt: skip
    stands = f"; it was {_standing(steer)}" if steer.step != "serve" else ""
    return _classified(new.told("detected", now, _agreed(verdict) + stands), now)


def _at(event: Event) -> float:
    return event.at


def _classified(found: Incident, now: float) -> Incident:
    state: State = "classified" if found.state == "detected" else found.state
    return found.told("classified", now, f"{found.kind}: {CLASSES[found.kind]}", state=state)


def _agreed(verdict: SiteVerdict, again: str = "") -> str:
    return f"{verdict.state}{again}, say {verdict.agree} of {verdict.of} vantage points"


def _said(before: tuple[str, ...], verdict: SiteVerdict) -> tuple[str, ...]:
    """Of each vantage point its first words: the later ones differ with every look."""
    names = {line.partition(":")[0] for line in before}
    fresh = (plain(line) for line in verdict.reasons)
    return (*before, *(line for line in fresh if line.partition(":")[0] not in names))[:MAX_SAID]


# ---- what was done about it


@dataclass(frozen=True, slots=True)
class _Act:
    """What will be an event. at: as whoever did it has it."""

    at: float
    kind: Literal["granted", "refused", "acted"]
    text: str


def _acted(found: Incident, seen: Sighting, now: float) -> Incident:
    """Between two looks much may have been done: in the order of its times."""
    rows = [row for row in seen.decisions if row.number > found.decision]
    routers = _routers(found.routers, seen.steer.done)
    acts = [
        *(_Act(row.at, _word_of(row), words_of(row)) for row in rows if row.request.kind not in STANDS_SO),
        *_standing_acts(found, seen.steer, now),
        *_router_acts(found, seen.steer, routers),
    ]
    for act in sorted(acts, key=lambda each: each.at):
        found = found.told(act.kind, min(act.at, now), act.text)
    if found.state in ("detected", "classified") and any(act.kind != "refused" for act in acts):
        found = replace(found, state="acted")
    newest = max((row.number for row in rows), default=found.decision)
    return replace(found, step=seen.steer.step, routers=routers, decision=newest)


def _word_of(row: Decision) -> Literal["granted", "refused", "acted"]:
    return ("granted" if row.granted else "refused") if row.is_asked else "acted"


def _takes(row: Decision) -> bool:
    """Whether the site may have left by it, for a while."""
    return row.granted and row.request.kind == "drain-site"


def words_of(row: Decision) -> str:
    """A request with the figures of its answer."""
    asked = row.request
    text = f"{row.act} {asked.target} by {asked.by}" + (f": {asked.reason}" if asked.reason else "")
    figures = [_figures(row)] if row.granted and row.is_asked else []
    said = [f"{s.rule}{' (overruled)' if s.overruled else ''}: {s.text}" for s in row.objections]
    return "; ".join([text, *figures, *said])


def _figures(row: Decision) -> str:
    found = row.figures
    if row.request.kind not in OF_SITES:
        return f"{found.peers} of {found.peers_of} are left that are known to be well"
    if found.full_before is None or found.full_after is None:
        return f"{found.sites_after} of {found.sites_before} sites are left to carry"
    full = f"{found.full_before:.0%} full, {found.full_after:.0%} then"
    return f"{found.sites_after} of {found.sites_before} sites are left to carry, {full}"


def _standing_acts(found: Incident, steer: Steer, now: float) -> Iterator[_Act]:
    """When a word was taken back nobody keeps; before a router announces again it was."""
    if steer.step != found.step:
        served = min((each.at for each in steer.done if each.step == "serve"), default=now)
        at = steer.committed.at if steer.committed else served
        yield _Act(at, "acted", f"{found.site} is {_standing(steer)}")


def _router_acts(found: Incident, steer: Steer, routers: Mapping[str, Step]) -> Iterator[_Act]:
    """One for all of the site's that came to the same."""
    for step in STEPS:
        came = [
            each
            for each in steer.done
            if routers.get(each.host, "serve") == step != found.routers.get(each.host, "serve")
        ]
        if came:
            names = ", ".join(sorted(each.host for each in came))
            text = f"{names}: {found.site} is {STANDS[step]}, verified"
            yield _Act(max(each.at for each in came), "acted", text)


def _standing(steer: Steer) -> str:
    word = steer.committed
    if word is None:
        return "to serve again: the committed state was taken back"
    verb = {"serve": "to serve", "prefer": "second choice", "withdraw": "drained"}[word.step]
    return f"{verb}, by {word.by}" + (f": {word.reason}" if word.reason else "")


def _routers(before: Mapping[str, Step], done: Iterable[Done]) -> dict[str, Step]:
    """What each has verified last, of those that do not simply serve."""
    found = dict(before)
    for each in sorted(done, key=lambda each: each.host):
        if each.verified and each.step == "serve":
            found.pop(each.host, None)
        elif each.verified and (each.host in found or len(found) < MAX_ROUTERS):
            found[each.host] = each.step
    return found


# ---- what is seen of it


def _judged(found: Incident, seen: Sighting, now: float) -> Incident:
    verdict = seen.verdict
    if verdict.state == "unknown":
        if found.quorum == "unknown":
            return found
        why = verdict.reasons[0] if verdict.reasons else "nobody says anything"
        return found.told("unknown", now, why, quorum="unknown", verified=0.0)
    if verdict.state == "serving":
        if found.quorum == "serving":
            return found
        text = _agreed(verdict)
        return found.told("verified", now, text, quorum="serving", verified=now, state="verified")
    return _not_serving(found, seen, now)


def _not_serving(found: Incident, seen: Sighting, now: float) -> Incident:
    kind, before = class_of(seen), found
    if found.quorum != "not serving":
        again = f" again after {span(now - found.verified)}" if found.verified else " again"
        state: State = "detected" if found.state == "verified" else found.state
        found = found.told(
            "detected", now, _agreed(seen.verdict, again), quorum="not serving", verified=0.0, state=state
        )
    drained = seen.steer.step == "withdraw"  # others are answered by another site: no news of this one
    if kind != before.kind and not (drained and (kind == "unreachable" or before.kind == "unhealthy")):
        found = _classified(replace(found, kind=kind), now)
    said = _said(found.said, seen.verdict)
    return found if said == found.said else replace(found, said=said)


def _closed(found: Incident, steer: Steer, now: float) -> Incident:
    """A step under way may take the site away again: it is waited for."""
    if found.quorum != "serving" or now - found.verified < HOLD_S or steer.under_way:
        return found
    text = f"it has served for {span(now - found.verified)}, nothing is under way"
    return found.told("closed", now, text, state="closed", closed=now)
