"""What every rule file has. A module is a rule if it fits this protocol; mypy and a test hold it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject


class Rule(Protocol):
    """One defect that can be found by reading.

    NAME: the defect, in words with `-`.  TITLE: one line.  WHY: what happens because of it.  SOURCE: where that is
    known from.  BAD and GOOD: snippets of an estate before and after.  FIX: what to do.
    """

    NAME: str
    SEVERITY: Severity
    TITLE: str
    WHY: str
    SOURCE: str
    BAD: str
    GOOD: str
    FIX: str

    def find(self, subject: Subject) -> Iterator[Hit]:
        """Every place where the estate has the defect. Pure: the subject is all it knows."""
        ...
