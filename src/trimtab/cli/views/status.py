"""Every site, a line each, and what is to be read in all of them."""

from __future__ import annotations

from trimtab.answers.status import Status
from trimtab.cli.views import blackhole as blackholes


def lines(answer: Status) -> list[str]:
    found = [f"{'site':<10} {'verdict':<11} {'agree':<6} {'announced':<10} {'addresses':<14} word"]
    for row in answer.sites:
        agree, held = f"{row.agree}/{row.of}", ", ".join(row.held_by) or "-"
        found.append(
            f"{row.site:<10} {row.verdict:<11} {agree:<6} {row.step:<10} {held:<14} {row.word}".rstrip()
        )
    found += [*answer.findings, *answer.incidents, *blackholes.standing(answer.blackholes), answer.budget]
    if answer.frozen:
        found.append(f"frozen by {answer.frozen.by}: {answer.frozen.reason}")
    return found
