"""Every fault that has a prediction, by the name of its drill, and the prediction as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trimtab.estate.inventory import Inventory
from trimtab.timing.interval import UNTIL_REPAIR, Interval
from trimtab.timing.layout import World
from trimtab.timing.models import agent, arbiter, backend, network, proxy, site, speaker
from trimtab.timing.models.base import Model
from trimtab.timing.parts import Prediction


def table(models: Iterable[Model]) -> Mapping[str, Model]:
    """Models by name. Raises ValueError when two share one."""
    found: dict[str, Model] = {}
    for model in models:
        if model.name in found:
            raise ValueError(f"two models are named {model.name!r}")
        found[model.name] = model
    return found


FAULTS = table(
    (
        *site.MODELS,
        *proxy.MODELS,
        *network.MODELS,
        *speaker.MODELS,
        *backend.MODELS,
        *agent.MODELS,
        *arbiter.MODELS,
    )
)


def predictions(inventory: Inventory, fault: str, world: World) -> dict[str, Prediction]:
    """By figure; empty for a fault that is not known or cannot happen to this estate."""
    model = FAULTS.get(fault)
    if model is None or not model.applies(inventory):
        return {}
    return {key: Prediction(part) for key, part in model.figures(inventory, world).items()}


def predict(inventory: Inventory, fault: str) -> dict[str, list[float | None]]:
    """`outage_s` and `write_outage_s` in the twin as [best, worst] seconds; None is `until repair`.

    Empty for a fault without a prediction. A fault with two sides adds a figure a side.
    """
    found = predictions(inventory, fault, "twin")
    return {key: ends(prediction.total) for key, prediction in found.items()}


def ends(span: Interval) -> list[float | None]:
    """[low, high] to the millisecond, None for an end that only a repair brings."""
    return [None if end == UNTIL_REPAIR else round(end, 3) for end in (span.low, span.high)]
