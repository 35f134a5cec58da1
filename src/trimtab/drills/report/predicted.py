"""Whether a measured outage is what was predicted.

An interval is [best, worst] in seconds; either end may be null: nothing bounds it until the repair.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FIGURES = ("outage_s", "write_outage_s")
SHARE = 0.2
LEAST_S = 0.1

Interval = tuple[float | None, float | None]


def interval(value: Any) -> Interval | None:
    """A prediction as (best, worst); a single number is both. None where nothing is predicted."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value), float(value)
    if isinstance(value, list | tuple) and len(value) == 2:
        return value[0], value[1]
    return None


def within(measured: float | None, predicted: Any) -> bool | None:
    """Whether it lies in the interval, each end moved outwards by 20 % of itself or 0.1 s, whichever is more.

    None: not measured, not predicted, or without an upper bound.
    """
    found = interval(predicted)
    if measured is None or found is None or found[0] is None or found[1] is None:
        return None
    low, high = found[0], found[1]
    return low - max(SHARE * low, LEAST_S) <= measured <= high + max(SHARE * high, LEAST_S)


def beside(measured: float | None, predicted: Any) -> float | None:
    """How far outside the interval as predicted, in seconds: above it positive, below negative, 0 in it."""
    found = interval(predicted)
    if measured is None or found is None or found[0] is None or found[1] is None:
        return None
    return round(min(0.0, measured - found[0]) or max(0.0, measured - found[1]), 4)


def within_prediction(figures: Mapping[str, Any], predicted: Mapping[str, Any]) -> dict[str, Any]:
    """For `outage_s` and `write_outage_s` true, false or null; `by_s`: how far beside, in seconds."""
    pairs = {key: (figures.get(key), predicted.get(key)) for key in FIGURES}
    return {
        **{key: within(*pair) for key, pair in pairs.items()},
        "by_s": {key: beside(*pair) for key, pair in pairs.items()},
    }
