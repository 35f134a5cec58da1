"""How a route's traffic is divided: what holds at each site, and what held before."""

from __future__ import annotations

from collections.abc import Mapping

from trimtab.answers.split import Now, Past, Splits
from trimtab.cli.output import clock


def lines(answer: Splits) -> list[str]:
    found = []
    for site, now in answer.splits.items():
        found += [f"{site}: {in_words(now.shares, now.by)}{_changed(now)}"]
        found += [f"  before that  {in_words(each.shares, each.by)}{_changed(each)}" for each in now.past]
    return found


def in_words(shares: Mapping[str, int], by: str) -> str:
    """`web 95%  web-next 5%  by percent`."""
    total = sum(shares.values())
    return "  ".join([*(f"{p} {100 * n / total:g}%" for p, n in sorted(shares.items())), f"by {by}"])


def _changed(split: Now | Past) -> str:
    if not split.who:
        return ""
    return f"  (by {split.who} at {clock(split.at or 0.0)}: {split.reason or 'no reason given'})"
