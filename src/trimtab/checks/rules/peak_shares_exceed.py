"""Services that promise more than the estate."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.amount import bandwidth_text, rate_text

NAME = "peak-shares-exceed"
SEVERITY = Severity.WARNING
TITLE = "services that promise more than the estate"
WHY = (
    "The estate's peak is the total that the capacity is compared with. If the services together promise "
    "more, that comparison was made with too little."
)
SOURCE = "docs/estate.md, objectives"
BAD = """\
objectives: {peak: {requests: 10k/s}}
services:
  www:
    objectives: {peak: {requests: 12k/s}}
"""
GOOD = """\
objectives: {peak: {requests: 10k/s}}
services:
  www:
    objectives: {peak: {requests: 8k/s}}
"""
FIX = "Raise the estate's peak to the sum, or lower the shares."


def find(subject: Subject) -> Iterator[Hit]:
    total = subject.estate.objectives.peak
    shares = [s.objectives.peak for s in subject.estate.services.values() if s.objectives.peak]
    if total is None:
        return
    for key, text in (("requests", rate_text), ("bandwidth", bandwidth_text)):
        most, sum_ = getattr(total, key), sum(getattr(share, key) or 0.0 for share in shares)
        if most is not None and sum_ > most:
            yield Hit(
                ("objectives", "peak", key),
                f"the services together promise {text(sum_)}, the estate {text(most)}",
                "raise the estate's peak to the sum",
            )
