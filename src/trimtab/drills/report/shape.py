"""Is a file's JSON a report? Every key that is read from it is looked at; keys that nobody knows are left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from trimtab.drills.report.story import ORDER

Found = Iterator[tuple[str, str]]
Shape = Callable[[Any, str], Found]
LARGEST = 1e15  # beyond it a float has no whole numbers any more, and no drill has such a figure


def faults(report: Any) -> Found:
    """(key, what is expected there) of everything that is not as a report has it."""
    yield from REPORT(report, "")


def text(value: Any, key: str) -> Found:
    if not isinstance(value, str):
        yield key, "text"


def number(value: Any, key: str) -> Found:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if not known or not abs(value) <= LARGEST:  # NaN is not, either
        yield key, "a number"


def flag(value: Any, key: str) -> Found:
    if not isinstance(value, bool):
        yield key, "true or false"


def verdict(value: Any, key: str) -> Found:
    if not isinstance(value, str) or value not in ORDER:
        yield key, f"one of {', '.join(ORDER)}"


def interval(value: Any, key: str) -> Found:
    """A prediction: a number, or [best, worst] with null for what only a repair ends."""
    if isinstance(value, list):
        if len(value) != 2:
            yield key, "a number, or a list of two"
        for index, each in enumerate(value):
            yield from nullable(number)(each, f"{key}[{index}]")
    else:
        yield from nullable(number)(value, key)


def anything(value: Any, key: str) -> Found:
    yield from ()


def nullable(shape: Shape) -> Shape:
    return lambda value, key: iter(()) if value is None else shape(value, key)


def list_of(shape: Shape) -> Shape:
    def look(value: Any, key: str) -> Found:
        if not isinstance(value, list):
            yield key, "a list"
            return
        for index, each in enumerate(value):
            yield from shape(each, f"{key}[{index}]")

    return look


def map_of(shape: Shape = anything) -> Shape:
    def look(value: Any, key: str) -> Found:
        if not isinstance(value, Mapping):
            yield key, "a map of keys"
            return
        for name, each in value.items():
            yield from shape(each, f"{key}.{name}".removeprefix("."))

    return look


def keys(known: Mapping[str, Shape], *, needed: tuple[str, ...] = ()) -> Shape:
    """A map with these keys. Only those needed have to be there."""

    def look(value: Any, key: str) -> Found:
        if not isinstance(value, Mapping):
            yield key, "a map of keys"
            return
        for name, shape in known.items():
            here = f"{key}.{name}".removeprefix(".")
            if name in value:
                yield from shape(value[name], here)
            elif name in needed:
                yield here, "this key"

    return look


FIGURES: Mapping[str, Shape] = dict.fromkeys(
    (
        "outage_s", "write_outage_s", "last_failure_end_s", "requests", "failed", "failed_after_retry", "orders",
        "acknowledged_orders", "lost_orders", "duplicated_orders", "unknown_orders", "failed_orders", "fault_at_s",
    ),
    nullable(number),
)  # fmt: skip
REGION = keys({
    **FIGURES, "recovered": flag, "refuses": flag, "later_episodes_s": list_of(number),
    "p99_ms": map_of(nullable(number)), "sites": map_of(map_of(number)),
})  # fmt: skip
CHECK = keys(
    {"check": text, "verdict": verdict, "reasons": list_of(text), "figures": map_of()},
    needed=("check", "verdict", "reasons", "figures"),
)
MACHINE = keys({"load_average": list_of(number), "cpus": nullable(number), "others": nullable(number)})
RUN = keys({
    **FIGURES, "verdict": verdict, "p99_ms": nullable(map_of(nullable(number))), "regions": map_of(REGION),
    "rates": nullable(map_of(number)), "checks": list_of(CHECK), "evidence": nullable(map_of()),
    "machine": MACHINE, "timeline": nullable(map_of()),
})  # fmt: skip
NEEDED = ("scenario", "verdict", "runs", "summary", "predicted")
REPORT = keys(
    {
        "scenario": text, "verdict": verdict, "runs": list_of(RUN), "summary": map_of(),
        "predicted": keys({
            **dict.fromkeys(("outage_s", "write_outage_s", "write_majority_s", "write_minority_s"), interval),
            "regions": nullable(map_of(interval)),
        }),
        "claims": nullable(map_of()), "objective": nullable(map_of(nullable(number))), "wanted_runs": number,
        "configuration": nullable(text), "estate": nullable(text), "made_at": nullable(text),
        "command": nullable(text), "shows": text, "fault": nullable(text), "terms": nullable(list_of(map_of())),
        "source_s": nullable(number), "disturbed_runs": nullable(list_of(map_of())),
    },
    needed=NEEDED,
)  # fmt: skip
