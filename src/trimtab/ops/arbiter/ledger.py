"""What the arbiter keeps beside its permits: the budget, and what it was asked and said, for `trimtab why` and for audits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from trimtab.ops.arbiter.decide import Answer
from trimtab.ops.arbiter.world import Grant, Kind, Request, Told

Ended = Literal["granted", "forced", "refused", "begun", "done", "undone"]
MAX_GRANTS = 200
MAX_OBJECTIONS, MAX_TEXT = 16, 300  # as kept; a text in characters
ASKED: tuple[Told, ...] = (*get_args(Kind), "shift-site")
CAME_OF: Mapping[Told, Told] = {  # what was asked came about, or it did not
    "drain-site-done": "drain-site",
    "drain-site-undone": "drain-site",
    "undrain-site-begun": "undrain-site",
    "undrain-site-undone": "undrain-site",
    "drain-proxy-undone": "drain-proxy",
}


@dataclass(frozen=True, slots=True)
class ChangeBudget:
    """number: of grants ever given, so that no budget is ever written twice.  grants: those of the window, oldest first."""

    number: int = 0
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """One rule's objection, as it is kept."""

    rule: str
    text: str
    overruled: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """What `effect.Effect` says, in numbers: how many sites carry, how full they are."""

    sites_before: int = 0
    sites_after: int = 0
    full_before: float | None = None
    full_after: float | None = None
    peers: int = 0
    peers_of: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """One request and the answer. at: seconds since 1970, by the clock of who asked."""

    number: int
    at: float
    request: Request
    granted: bool
    objections: tuple[Said, ...] = ()
    figures: Figures = Figures()

    @property
    def is_asked(self) -> bool:
        """A request; else it is what came of one, or takes nothing and asks nobody."""
        return self.request.kind in ASKED

    @property
    def act(self) -> Told:
        """What it is about, whether it was asked, done or given up."""
        return CAME_OF.get(self.request.kind, self.request.kind)

    @property
    def outcome(self) -> Ended:
        if not self.is_asked:
            kind = self.request.kind
            return "begun" if kind.endswith("-begun") else "undone" if kind.endswith("-undone") else "done"
        forced = any(said.overruled for said in self.objections)
        return "refused" if not self.granted else "forced" if forced else "granted"

    @staticmethod
    def of(number: int, at: float, request: Request, answer: Answer) -> Decision:
        effect = answer.effect
        figures = Figures(
            len(effect.sites_before),
            len(effect.sites_after),
            finite(effect.full_before),
            finite(effect.full_after),
            effect.peers,
            effect.peers_of,
        )
        said = tuple(Said(each.rule, plain(each.text), each.overruled) for each in answer.objections)
        return Decision(number, at, request, answer.granted, said[:MAX_OBJECTIONS], figures)


@dataclass(frozen=True, slots=True)
class Heard:
    """Whether a router of another site has a prefix of the site from its own upstreams. at: seconds since 1970."""

    site: str
    host: str
    hears: bool
    at: float


def plain(text: str) -> str:
    """For a terminal; a sentence about very many sites is cut."""
    found = "".join(each if each.isprintable() else "?" for each in text)
    return found if len(found) <= MAX_TEXT else found[: MAX_TEXT - 1] + "…"


def finite(share: float | None) -> float | None:
    """More than everything is everything that JSON can say."""
    return None if share is None else min(share, 1e9)
