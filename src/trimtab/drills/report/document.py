"""What a report keeps: a scenario's results, and all it takes to read, repeat and compare them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
FORMAT = 1


@dataclass(frozen=True, slots=True)
class About:
    """Around a drill. made_at: ISO 8601 with its offset.  command: what repeats it.  configuration: a hash of
    what the twin ran, "" if not known.  source_s: somebody else's outage.  terms: the prediction's arithmetic as
    `timing.budget.explain` tells it.
    """

    estate: str
    made_at: str
    command: str
    configuration: str = ""
    source_s: float | None = None
    terms: Sequence[Mapping[str, Any]] = field(default=())


def document(found: Mapping[str, Any], about: About) -> Json:
    """A report's JSON. found: `ScenarioResult.to_report()`."""
    head = {
        "format": FORMAT, "estate": about.estate, "made_at": about.made_at, "command": about.command,
        "configuration": about.configuration or None, "source_s": about.source_s,
    }  # fmt: skip
    return {**head, **found, "terms": [dict(one) for one in about.terms]}


def dumps(value: Any, indent: int = 0) -> str:
    """JSON with a line a key; a list of plain values stays on one line, so that a column does not fill pages."""
    inner = " " * (indent + 2)
    if isinstance(value, Mapping) and value:
        lines = [f"{inner}{json.dumps(str(key))}: {dumps(one, indent + 2)}" for key, one in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"
    if isinstance(value, list | tuple) and any(isinstance(one, Mapping | list | tuple) for one in value):
        lines = [inner + dumps(one, indent + 2) for one in value]
        return "[\n" + ",\n".join(lines) + "\n" + " " * indent + "]"
    return json.dumps(value, default=str)
