"""What a rule reports, and what a reader gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from trimtab.estate.accept import Accepted
from trimtab.estate.fault import Loc


class Severity(StrEnum):
    """`error`: a promise cannot hold, or something cannot work. `warning`: it works and will hurt."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Hit:
    """One defect as a rule yields it. loc: path in the file.  why: what is wrong, with its figures.  fix: what to do."""

    loc: Loc
    why: str
    fix: str


@dataclass(frozen=True, order=True, slots=True)
class Finding:
    """One defect at its place; sorts in file order. line and column count from 1, key is the dotted path.

    parents: the key and every key above it; a part of it may have dots itself (`latency.p99.9`).
    """

    file: str
    line: int
    column: int
    rule: str
    key: str
    why: str
    fix: str
    severity: Severity
    parents: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        return (
            f"{self.file}:{self.line}:{self.column}  {self.rule}  {self.severity}\n"
            f"    {self.why}\n"
            f"    {self.fix}       trimtab explain {self.rule}"
        )


@dataclass(frozen=True, order=True, slots=True)
class Suppressed:
    """A finding that the estate accepts, with the number of its `accept` entry and the reason written there."""

    finding: Finding
    entry: int
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one run found, in file order. Open findings count; accepted ones are listed with their reasons."""

    findings: tuple[Finding, ...]
    accepted: tuple[Suppressed, ...] = ()

    def count(self, severity: Severity) -> int:
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def ok(self) -> bool:
        """No error is open; warnings alone are well."""
        return not self.count(Severity.ERROR)


def covers(accepted: Accepted, finding: Finding) -> bool:
    """Does the entry mean this finding? `at` is its key or a parent of it."""
    if accepted.rule != finding.rule:
        return False
    return accepted.at is None or accepted.at in (finding.key, *finding.parents)
