"""The JSON Schemas of answers, generated of their types: closed objects, each key with its line."""

from __future__ import annotations

import ast
import inspect
from dataclasses import is_dataclass
from itertools import pairwise
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import DataclassSchema

from trimtab.answers.codec import adapter, key_of


def schema(command: str) -> dict[str, Any]:
    """Of what it prints with --json; of a command that tells as it works, of each line. 2020-12."""
    found = adapter(command).json_schema(mode="serialization", schema_generator=_Published)
    return {"$schema": GenerateJsonSchema.schema_dialect, **found, "title": f"trimtab {command} --json"}


class _Published(GenerateJsonSchema):
    """What `codec` writes: a key is missing only where its default is None, and then it is never null."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def dataclass_schema(self, schema: DataclassSchema) -> JsonSchemaValue:
        found, lines = super().dataclass_schema(schema), _lines(schema["cls"])
        found["required"] = []
        for key, field in found["properties"].items():
            if key in lines:
                field["description"] = lines[key]
            if field.pop("default", "") is None:
                _never_null(field)
            else:
                found["required"].append(key)
        return found


def _never_null(field: JsonSchemaValue) -> None:
    ways = [way for way in field.pop("anyOf") if way != {"type": "null"}]
    field.update(ways[0] if len(ways) == 1 else {"anyOf": ways})


def _lines(kind: type) -> dict[str, str]:
    """By key the line under each field, the bases' too."""
    found: dict[str, str] = {}
    for each in filter(is_dataclass, reversed(kind.__mro__)):
        (body,) = ast.parse(inspect.getsource(each)).body
        assert isinstance(body, ast.ClassDef)
        for field, line in pairwise(body.body):
            if isinstance(field, ast.AnnAssign) and isinstance(line, ast.Expr):
                assert isinstance(field.target, ast.Name) and isinstance(line.value, ast.Constant)
                found[key_of(field.target.id)] = str(line.value.value)
    return found
