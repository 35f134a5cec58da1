"""The fail-over budget of an estate: for each fault what it costs in the twin and on the Internet, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from trimtab.estate.inventory import Inventory
from trimtab.timing.faults import FAULTS, ends, predict, predictions
from trimtab.timing.layout import WORLDS
from trimtab.timing.parts import WORDS, Prediction, Term, walk

__all__ = ["Budget", "budgets", "budgets_of", "explain", "predict"]


@dataclass(frozen=True, slots=True)
class Budget:
    """One fault. shows: what breaks.  twin, internet: predictions by figure, `outage_s` and `write_outage_s` always.
    faults: how many that are, see `Model`.
    """

    fault: str
    shows: str
    twin: Mapping[str, Prediction]
    internet: Mapping[str, Prediction]
    faults: int = 1


def budgets(inventory: Inventory) -> tuple[Budget, ...]:
    """Of every fault that can happen to the estate, in the order of the table."""
    return tuple(
        Budget(
            model.name,
            model.shows,
            predictions(inventory, model.name, "twin"),
            predictions(inventory, model.name, "internet"),
            model.faults,
        )
        for model in FAULTS.values()
        if model.applies(inventory)
    )


@lru_cache(maxsize=64)
def budgets_of(inventory: Inventory, services: tuple[str, ...]) -> tuple[Budget, ...]:
    """The same for the clients of some services only: others' addresses and pools are nothing to them."""
    estate = inventory.estate
    kept = {name: service for name, service in estate.services.items() if name in services}
    if len(kept) == len(estate.services):
        return budgets(inventory)
    return budgets(Inventory(estate.model_copy(update={"services": kept}), shrink=inventory.shrink))


def explain(inventory: Inventory, fault: str) -> list[dict[str, Any]]:
    """The arithmetic as JSON-able entries in reading order; empty for a fault without a prediction.

    Each has `world` (twin, internet), `of` (reads, writes), `figure`, `depth`, `low` and `high` (null: until repair).
    A term has `layer`, `what`, `source`, `kind` and `join` null; a group has `join` (sum, last, first, either), says in
    `what` how the deeper entries after it combine, and has null in the others.
    """
    return [
        {"world": world, "of": "writes" if "write" in figure else "reads", "figure": figure, **entry}
        for world in WORLDS
        for figure, prediction in predictions(inventory, fault, world).items()
        for entry in _entries(prediction)
    ]


def _entries(prediction: Prediction) -> list[dict[str, Any]]:
    found = []
    for depth, part in walk(prediction.part):
        low, high = ends(part.time)
        entry: dict[str, Any] = {"depth": depth, "low": low, "high": high}
        if isinstance(part, Term):
            entry |= {
                "layer": part.layer, "what": part.what, "source": part.source, "kind": part.kind, "join": None
            }  # fmt: skip
        else:
            what = part.words if part.label else WORDS[part.join]
            entry |= {"layer": None, "what": what, "source": None, "kind": None, "join": part.join}
        found.append(entry)
    return found
