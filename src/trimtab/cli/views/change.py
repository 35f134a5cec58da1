"""What was written at several sites, a line each; those that did not answer are on standard error."""

from __future__ import annotations

from typing import Any

from trimtab.answers.change import Change, NotReached, Written
from trimtab.answers.split import Divided
from trimtab.answers.weight import Weighed
from trimtab.cli.views.split import in_words


def lines(answer: Change[Any]) -> list[str]:
    said = f"{answer.what}: would be written" if answer.dry_run else answer.what
    return [
        ": ".join([site, said if at.changed else _unchanged(at), *filter(None, [_holds(at)])])
        for site, at in answer.sites.items()
        if not isinstance(at, NotReached)
    ]


def _unchanged(at: Written) -> str:
    return (at.why_not if isinstance(at, Divided) else None) or "no change"


def _holds(at: Written) -> str | None:
    """What is now, or would be, and what the arbiter was asked."""
    if isinstance(at, Divided):
        return in_words(at.shares, at.by)
    if isinstance(at, Weighed) and at.was is not None:
        return f"ready, weight {at.weight} (was {at.was})"
    return at.note
