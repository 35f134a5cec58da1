"""The tables of a page beneath the first: every figure that the JSON has, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trimtab.drills.report import words
from trimtab.drills.report.catchment import Catchment, where
from trimtab.drills.report.story import checked

Json = Mapping[str, Any]
PHASES = {"before": "before", "during": "during", "recovery": "on the way back", "after": "after"}


LATENCIES = ("p50", "p99", "max")
ASKS = {
    "load": "Did every client send what it was asked for, on time, and was all well before the fault?",
    "reads": "Did reads come back in time in every region?",
    "writes": "Were orders acknowledged again in time in every region?",
    "orders": "Is every acknowledged order stored once, and no refused one?",
    "failed": "Did no more requests fail at their first attempt than claimed?",
    "failed_later": "Did no more of the requests fail than claimed that were sent after the news of the fault was with their clients?",
    "failed_retried": "Did no more requests fail than claimed once their client had tried again?",
    "failed_kept": "Did no more requests fail than claimed on connections that stood already?",
    "served": "Did another site's members answer the site's clients while its own were gone?",
    "minority": "Did the site that was cut off refuse orders, and acknowledge none?",
    "vip": "Did the site's addresses move, or stay, as expected?",
    "route": "Did the site's routes leave the Internet, or stay, as expected?",
    "leak": "Was what an upstream leaked refused, and did nothing go from one upstream to another?",
    "leader": "Did the store's members agree on another leader?",
    "releases": "Did each upgraded program serve with its new version, and with the old one at the end?",
    "agents": "Did agents of two releases run beside each other, with all work done meanwhile and all upgraded at the end?",
    "workers": "Do the proxies' new processes serve, or the old ones where a reload was refused?",
    "replica": "Did the member that was behind catch up?",
    "returns": "Did nobody notice that it came back?",
    "recovery": "Did what was broken come back without a second outage, and does it serve again?",
}


@dataclass(frozen=True, slots=True)
class Table:
    """heads and cells as text; the first column names the row, the others are figures if `figures`.

    groups: heads over the heads, each over some columns; none or all of them.
    """

    heads: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    figures: bool = True
    groups: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a checker said in one run. figures: (name, value), flat."""

    run: int
    verdict: str
    reasons: tuple[str, ...]
    figures: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A checker and its answers. asks: its question, "" where it is not known."""

    name: str
    asks: str
    verdict: str
    answers: tuple[Answer, ...]


def latencies(runs: Sequence[Json], worst: int | None) -> Table | None:
    """Of the run that is drawn first: median, p99 and maximum of each phase, by region."""
    found = None if worst is None else (runs[worst].get("timeline") or {}).get("latency_ms")
    if not found:
        return None
    lines = tuple(
        (name or "all", *(words.millis(phases[phase][key]) for phase in PHASES for key in LATENCIES))
        for name, phases in found.items()
    )
    groups = tuple((title, len(LATENCIES)) for title in PHASES.values())
    return Table(("", *LATENCIES * len(PHASES)), lines, groups=(("", 1), *groups))


def ledger(runs: Sequence[Json]) -> Table | None:
    """What became of the orders, a run a line; None where none was sent."""
    if not any(run.get("orders") for run in runs):
        return None
    heads = (
        "run", "sent", "acknowledged", "lost", "stored twice", "refused", "refused but stored", "without answer",
    )  # fmt: skip
    return Table(heads, tuple((str(number), *_ledger(run)) for number, run in enumerate(runs, 1)))


def _ledger(run: Json) -> Iterator[str]:
    judged: Json = next((c["figures"] for c in run["checks"] if c["check"] == "orders"), {})
    refused = sum(region.get("failed_orders", 0) for region in run["regions"].values())
    for value in (
        run["orders"], run["acknowledged_orders"], run["lost_orders"], run["duplicated_orders"], refused,
        judged.get("refused_but_stored_orders"), run["unknown_orders"],
    ):  # fmt: skip
        yield words.count(value)


def side_by_side(runs: Sequence[Json]) -> Table:
    heads = (
        "run", "verdict", "reads out", "last failure known", "writes out", "requests", "failed", "after retry",
        "p99 before", "during", "way back", "after", "load",
    )  # fmt: skip
    lines = tuple(
        (
            str(number), run["verdict"], words.seconds(run["outage_s"]), words.seconds(run["last_failure_end_s"]),
            words.seconds(run["write_outage_s"]), words.count(run["requests"]), words.count(run["failed"]),
            words.count(run["failed_after_retry"]), *(words.millis(run["p99_ms"].get(phase)) for phase in PHASES),
            words.DASH.join(f"{value:g}" for value in run["machine"]["load_average"]),
        )
        for number, run in enumerate(runs, 1)
    )  # fmt: skip
    return Table(heads, lines)


def regions(runs: Sequence[Json]) -> Table:
    """Each region of each run."""
    heads = (
        "run", "region", "reads out", "last failure known", "later outages", "requests", "failed", "after retry",
        "writes out", "noise before", "orders", "refused", "no answer",
    )  # fmt: skip
    lines = tuple(
        (str(number), name, *_region(one))
        for number, run in enumerate(runs, 1)
        for name, one in run["regions"].items()
    )
    return Table(heads, lines)


def _region(one: Json) -> Iterator[str]:
    yield words.seconds(one["outage_s"]) + ("" if one.get("recovered", True) else ", not recovered")
    yield words.seconds(one["last_failure_end_s"])
    yield ", ".join(words.seconds(value) for value in one["later_episodes_s"]) or "none"
    yield from (words.count(one[key]) for key in ("requests", "failed", "failed_after_retry"))
    yield from (words.seconds(one[key]) for key in ("write_outage_s", "write_noise_s"))
    yield from (words.count(one[key]) for key in ("orders", "failed_orders", "unknown_orders"))


def checks(runs: Sequence[Json]) -> list[Check]:
    """Each checker with what it said in each run."""
    names = dict.fromkeys(check["check"] for run in runs for check in run["checks"])
    return [
        Check(name, ASKS.get(name, ""), checked(runs, name) or "unknown", tuple(_answers(runs, name)))
        for name in names
    ]


def _answers(runs: Sequence[Json], name: str) -> Iterator[Answer]:
    for number, run in enumerate(runs, 1):
        for check in run["checks"]:
            if check["check"] == name:
                yield Answer(number, check["verdict"], tuple(check["reasons"]), tuple(flat(check["figures"])))


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """(path, text) of every plain value in an object."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from flat(one, f"{name} {key}".strip())
    elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
        for number, one in enumerate(value, 1):
            yield from flat(one, f"{name} {number}".strip())
    else:
        yield name, text(value)


def text(value: Any) -> str:
    """A value of any kind as a person would write it."""
    if value is None:
        return words.UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(text(one) for one in value) or "none"
    return str(value)


def caught(found: Catchment) -> Table:
    """Who is caught where: a line a vantage and group of prefixes, a column a moment."""
    lines = tuple(
        (f"{', '.join(group.prefixes)}, {row.vantage}", *map(where, row.at))
        for group in found.groups
        for row in group.rows
    )
    return Table(("", *found.moments), lines, figures=False)


def evidence(runs: Sequence[Json]) -> list[tuple[int, Table]]:
    """What the probes of a run saw: a line a thing, a column a moment."""
    found = [(number, _evidence(run.get("evidence") or {})) for number, run in enumerate(runs, 1)]
    return [(number, table) for number, table in found if table.lines]


def _evidence(moments: Mapping[str, Json]) -> Table:
    """moments: what was seen by moment; `told` is what the fault itself was told, once."""
    looks = {
        moment: dict(
            flat({name: one for name, one in seen.items() if name != "catchment"})
        )  # it has tables of its own
        for moment, seen in moments.items()
        if moment != "told"
    }
    things = dict.fromkeys(thing for seen in looks.values() for thing in seen)
    lines = [(thing, *(seen.get(thing, "") for seen in looks.values())) for thing in things]
    told = [
        (f"the fault was told: {thing}", said, *("" for _ in tuple(looks)[1:]))
        for thing, said in flat(moments.get("told") or {})
    ]
    return Table(("", *(looks or ("",))), (*lines, *told), figures=False)
