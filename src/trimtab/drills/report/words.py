"""Figures and findings in words: the one place that decides how they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trimtab.drills.report.predicted import interval

DASH = "–"
UNKNOWN = "unknown"
UNTIL_REPAIR = "until repair"

Json = Mapping[str, Any]


def seconds(value: float | None) -> str:
    """`0.31 s`, `31 s`; `0 s` only for exactly nothing; a hyphen for what is not known."""
    if value is None:
        return "-"
    return "0 s" if value == 0 else f"{_number(value)} s"


def signed(value: float) -> str:
    """`+0.31 s`, `−2.00 s`: when something happened, counted from the fault."""
    return f"{'−' if value < 0 else '+'}{abs(value):.2f} s"


def millis(value: float | None) -> str:
    """Milliseconds without their unit, as the column's head has it."""
    return "-" if value is None else f"{value:,.0f}"


def count(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.0f}"


def limit(value: float | None) -> str:
    return "" if value is None else f"≤ {value:g} s"


def predicted(value: Any) -> str:
    """`0.20–0.40 s`, `0.20 s – until repair`, `until repair`; nothing where nothing is predicted."""
    found = interval(value)
    if found is None:
        return ""
    low, high = found
    if high is None:
        return f"{_number(low)} s {DASH} {UNTIL_REPAIR}" if low else UNTIL_REPAIR
    if low == high:
        return seconds(high)
    return f"{_number(low or 0.0)}{DASH}{_number(high)} s"


def _number(value: float) -> str:
    return f"{value:.{2 if abs(value) < 10 else 0}f}".replace("-", "−")


def plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
