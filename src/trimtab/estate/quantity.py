"""Values with units, as they are written in the file and as they are used.

Durations become float seconds, percentages floats; `duration_text` writes them back. Rates, bandwidths and sizes are in
amount.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS = {
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
    "y": 31536000.0,
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d|w|y)", re.ASCII)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%", re.ASCII)
_BFD = re.compile(r"(\d+(?:\.\d+)?(?:ms|s)) x (\d{1,9})", re.ASCII)
_COUNT = re.compile(r"(\d{1,19})(?:\.\.(\d{1,19}))?", re.ASCII)
_INT = re.compile(r"-?\d+", re.ASCII)
_FLOAT = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
# zeros before a number, but not those after its point
_PADDING = re.compile(r"(?<![\d_,])(?<!\d\.)0+(?=\d)", re.ASCII)


def refuse_padding(value: Any) -> None:
    """Some programs read `010` as 8, some as 10. Raises ValueError."""
    if isinstance(value, str) and len(value) <= 60 and _PADDING.search(value):
        raise ValueError(f"numbers have no leading zeros: write `{_PADDING.sub('', value)}`")


def parse_duration(value: Any) -> float:
    """`100ms`, `1.5s`, `30d` in seconds. Raises ValueError."""
    refuse_padding(value)
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        if isinstance(value, float | int) and not isinstance(value, bool):
            return float(value)
        raise ValueError("a duration is a number and a unit (us, ms, s, m, h, d, w, y): `100ms`, `30s`")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > 100 * _UNITS["y"]:
        raise ValueError("at most 100y")
    if 0 < seconds < _UNITS["us"] or (not seconds and match[1].strip("0.")):
        raise ValueError("at least 1us, or 0")
    return seconds


def duration_text(seconds: float) -> str:
    """The shortest way to write it: 0.1 as `100ms`, 30 as `30s`, 3600 as `1h`."""
    for unit in ("y", "w", "d", "h", "m", "s", "ms"):
        amount = round(seconds / _UNITS[unit], 9)
        if amount >= 1 and amount == int(amount):
            return f"{int(amount)}{unit}"
    return f"{round(seconds * 1e6)}us" if seconds else "0s"


def parse_percent(value: Any) -> float:
    """`99.99%` as 99.99. Raises ValueError."""
    refuse_padding(value)
    match = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        if isinstance(value, float | int) and not isinstance(value, bool):
            return float(value)
        raise ValueError("a percentage is a number and `%`: `99.99%`")
    number = float(match[1])
    if number > 100:
        raise ValueError("at most 100%")
    return number


@dataclass(frozen=True, slots=True)
class Timer:
    """A BFD timer: an interval in seconds and the number of lost packets that end the session (RFC 5880)."""

    interval: float
    multiplier: int

    @property
    def detection(self) -> float:
        """Seconds after the last packet at which the session is down."""
        return self.interval * self.multiplier

    def __str__(self) -> str:
        return f"{duration_text(self.interval)} x {self.multiplier}"


def parse_timer(value: Any) -> Timer:
    """`100ms x 3`. Raises ValueError."""
    refuse_padding(value)
    if isinstance(value, Timer):
        return value
    match = _BFD.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a timer is an interval and a multiplier: `100ms x 3`")
    timer = Timer(parse_duration(match[1]), int(match[2]))
    if not 0.01 <= timer.interval <= 10 or not 2 <= timer.multiplier <= 50:
        raise ValueError("the interval goes from 10ms to 10s, the multiplier from 2 to 50")
    return timer


@dataclass(frozen=True, slots=True)
class Count:
    """How many hosts: `3`, or `2..10` where the controller may move between the two."""

    low: int
    high: int

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}..{self.high}"


def parse_count(value: Any) -> Count:
    """`3` or `2..10`. Raises ValueError."""
    refuse_padding(value)
    if isinstance(value, Count):
        return value
    match = _COUNT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a number of hosts is `3` or a range `2..10`")
    low, high = int(match[1]), int(match[2] or match[1])
    if low > high:
        raise ValueError(f"the range runs downwards: write `{high}..{low}`")
    return Count(low, high)


def parse_date(value: Any) -> date:
    """`2026-12-28`. Raises ValueError."""
    if isinstance(value, date):
        return value
    try:
        day = date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        day = None
    if day is None or day.isoformat() != value:  # other spellings of ISO 8601 exist, one is enough
        raise ValueError("a day is year, month and day: `2026-12-28`")
    return day


def parse_int(value: Any) -> int:
    refuse_padding(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INT.fullmatch(value) and len(value) < 20:
        return int(value)
    raise ValueError("a whole number is expected, digits alone: `120000`")


def parse_float(value: Any) -> float:
    refuse_padding(value)
    if isinstance(value, float | int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and _FLOAT.fullmatch(value):
        return float(value)
    raise ValueError("a number is expected")


def whole_seconds(value: float) -> float:
    """The same. Raises ValueError for a part of a second: BGP's timers are whole numbers (RFC 4271, 4.2)."""
    if value != int(value):
        raise ValueError("BGP counts its timers in whole seconds")
    return value


def parse_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise ValueError("`true` or `false` is expected")


def parse_text(value: Any) -> str:
    """Any text of one line without control characters. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("text is expected, not a list or a map")
    if not value or not value.isprintable() or len(value) > 1000:
        raise ValueError("text of 1 to 1000 printable characters is expected")
    return value


def text_schema(pattern: str, kind: str) -> WithJsonSchema:
    """The JSON Schema of a value that is written as text."""
    return WithJsonSchema({"type": "string", "pattern": pattern, "format": kind})


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(duration_text, return_type=str),
    text_schema(r"^\d+(\.\d+)?(us|ms|s|m|h|d|w|y)$", "duration"),
]
Percent = Annotated[
    float,
    BeforeValidator(parse_percent),
    PlainSerializer(lambda v: f"{v:g}%", return_type=str),
    text_schema(r"^\d+(\.\d+)?%$", "percent"),
]
Day = Annotated[
    date,
    BeforeValidator(parse_date),
    PlainSerializer(str, return_type=str),
    text_schema(r"^\d{4}-\d\d-\d\d$", "date"),
]
BfdTimer = Annotated[
    Timer,
    BeforeValidator(parse_timer),
    PlainSerializer(str, return_type=str),
    text_schema(r"^\d+(\.\d+)?(ms|s) x \d+$", "timer"),
]
HostCount = Annotated[
    Count,
    BeforeValidator(parse_count),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+\.\.\d+$"}]}
    ),
]
Int = Annotated[int, BeforeValidator(parse_int), WithJsonSchema({"type": "integer"})]
Float = Annotated[float, BeforeValidator(parse_float), WithJsonSchema({"type": "number"})]
Bool = Annotated[bool, BeforeValidator(parse_bool), WithJsonSchema({"type": "boolean"})]
Text = Annotated[str, BeforeValidator(parse_text)]
