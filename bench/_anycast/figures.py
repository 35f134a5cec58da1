"""The raw data of a sitting as figures. Pure."""

from __future__ import annotations

from statistics import median
from typing import Any

from _common import Figure

MOVED_S, FAILED = 0.5, 2
NAMES = {
    "anchor_gone": "the last proxy ends -> path moved",
    "power_gone": "the proxies' power goes -> path moved",
}


def figures(runs: list[dict[str, Any]]) -> list[Figure]:
    """Of every run: what it measured once. Aims are of the worst run."""
    found = []
    for key, name in NAMES.items():
        took = [each[key] for each in runs]
        found += [
            Figure(f"{name}, worst", "s", max(took), target=MOVED_S),
            Figure(f"{name}, median", "s", median(took)),
        ]
    moves = [each["planned"] for each in runs]
    failed = [len(move["failed"]) for move in moves]
    ended = [sum(n for word, n in move["kept"].items() if word != "kept") for move in moves]
    return [
        *found,
        Figure(
            "planned move: second choice -> path moved, worst", "s", max(move["moved_s"] for move in moves)
        ),
        Figure("planned move: new connections failed, worst", "", max(failed), target=FAILED),
        Figure(
            "planned move: new connections", "", sum(sum(m["by"].values()) + len(m["failed"]) for m in moves)
        ),
        Figure("planned move: kept connections ended, worst", "", max(ended)),
    ]


def pool_lost(runs: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Who checks by itself: configuration -> median and worst of pool lost -> path moved, in seconds."""
    by: dict[str, list[float]] = {}
    for each in runs:
        for name, took in each["peers"].items():
            by.setdefault(name, []).append(took)
    return {name: {"median": median(took), "worst": max(took)} for name, took in by.items()}


def starved(run: dict[str, Any]) -> bool:
    """Its connections were begun too late for their number to say anything."""
    return bool(run["planned"]["late_s"] > 0.5)
