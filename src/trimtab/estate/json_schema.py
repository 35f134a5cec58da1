"""The JSON Schema of an estate file, as editors read it: defaults are written the way a person would."""

from __future__ import annotations

from typing import Any

from trimtab.estate.additions import NONE, Additions
from trimtab.estate.quantity import duration_text


def estate_schema(added: Additions = NONE) -> dict[str, Any]:
    """JSON Schema 2020-12 of the file. added: what other packages add to it."""
    schema = added.model.model_json_schema(mode="validation")
    group = schema["properties"]["groups"]["additionalProperties"]["$ref"].rpartition("/")[2]
    schema["$defs"][group]["properties"]["roles"]["items"]["enum"] = list(added.roles.working)
    _defaults(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Trimtab estate"}


def _defaults(node: Any) -> None:
    """Durations are seconds inside and text in the file: write the defaults back as text."""
    if isinstance(node, dict):
        default = node.get("default")
        if isinstance(default, int | float) and not isinstance(default, bool) and _is(node, "duration"):
            node["default"] = duration_text(float(default))
        for value in node.values():
            _defaults(value)
    elif isinstance(node, list):
        for value in node:
            _defaults(value)


def _is(node: dict[str, Any], kind: str) -> bool:
    return node.get("format") == kind or any(n.get("format") == kind for n in node.get("anyOf", []))
