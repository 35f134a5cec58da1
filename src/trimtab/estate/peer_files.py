"""Keys of an upstream whose value is, or may be, a file beside the estate's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import Field, PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from trimtab.estate.base import Noun, matching, network
from trimtab.estate.peer_data import FILE, Export, Listed, ListFile, export_of, list_of, stated
from trimtab.estate.quantity import Percent, parse_text

T = TypeVar("T")
_named = matching(FILE, "a file beside the estate's, or below its folder: `as64501.json`")


def _read(value: Any, info: ValidationInfo, made: Callable[[str, str], T]) -> T:
    name = _named(value)
    if not info.context or "beside" not in info.context:
        raise ValueError(f"{name} cannot be read: an estate that is no file has nothing beside it")
    return made(name, info.context["beside"](name))


def _listed(value: Any, info: ValidationInfo) -> Listed | ListFile:
    if isinstance(value, Listed | ListFile):
        return value
    return _read(value, info, list_of) if parse_text(value).endswith(".json") else stated(network(value))


def _export(value: Any, info: ValidationInfo) -> Export:
    return value if isinstance(value, Export) else _read(value, info, export_of)


Only = Annotated[
    Listed | ListFile,
    PlainValidator(_listed),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string"}),
]
ExportFile = Annotated[
    Export,
    PlainValidator(_export),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string"}),
]


class PeeringDb(Noun):
    """How many prefixes a network says that it announces, as a limit."""

    file: ExportFile = Field(description="PeeringDB's answer to /api/net?asn=…, of one network or many")
    margin: Percent = Field(default=50.0, description="by which the limit is above what the network says")
