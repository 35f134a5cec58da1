"""Frozen dataclasses as JSON and back: one form for files that one of our programs writes and another one reads.

What a field has to be says its type: dataclasses, tuples, maps, Literal, `X | None`, `Any`. A key that no field has is
refused, and so is one that is missing and has no default. Only the standard library: an agent starts with it.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar

T = TypeVar("T")


class UnknownKey(ValueError):
    """A key that no field has: perhaps a later Trimtab's."""


SHOWN = 80  # characters of what was got
LARGEST = sys.float_info.max


def dumps(record: Any, **form: Any) -> str:
    """form: of `json.dumps`."""
    return json.dumps(dataclasses.asdict(record), **form)


def loads(kind: type[T], text: str | bytes, what: str = "the file") -> T:
    """Raises ValueError: in which record, at which field, what is expected and what was got."""
    return read(kind, json.loads(text), what)


def read(kind: type[T], value: Any, what: str = "the file") -> T:
    """The same of JSON that is read already."""
    found: T = _read(kind, value, "", what)
    return found


@cache
def _fields(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _read(kind: Any, value: Any, at: str, what: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _record(kind, value, at, what)
    origin, inner = typing.get_origin(kind) or kind, typing.get_args(kind)
    if origin is tuple:
        return _tuple(inner, value, at, what)
    if origin in (dict, Mapping):
        found = _object(value, at or what).items()
        return {k: _read(inner[1], v, f"{at}.{k}", what) for k, v in found} if inner else dict(found)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _read(inner[0], value, at, what)
    if origin is Literal:
        return value if value in inner else _wrong(at, ", ".join(map(str, inner)), value)
    return _plain(kind, value, at)


def _record(kind: Any, value: Any, at: str, what: str) -> Any:
    known, found = _fields(kind), _object(value, at or what)
    if unknown := found.keys() - known.keys():
        raise UnknownKey(f"{at or what}: unknown {', '.join(sorted(unknown))}")
    try:
        return kind(**{k: _read(known[k], v, f"{at}.{k}".lstrip("."), what) for k, v in found.items()})
    except TypeError as error:  # something is missing
        raise ValueError(f"{at or what}: {error}") from error


def _tuple(inner: tuple[Any, ...], value: Any, at: str, what: str) -> Any:
    """`tuple[X, ...]`, or a kind for each place."""
    if not isinstance(value, list):
        _wrong(at, "a list", value)
    kinds = inner[:1] * len(value) if inner[1:] == (...,) else inner
    if len(kinds) != len(value):
        _wrong(at, f"a list of {len(kinds)}", value)
    return tuple(
        _read(kind, each, f"{at}[{i}]", what) for i, (kind, each) in enumerate(zip(kinds, value, strict=True))
    )


def _plain(kind: Any, value: Any, at: str) -> Any:
    """A whole number is a float too: JSON has one kind of numbers. Infinity is none."""
    if kind in (Any, object):
        return value
    taken = isinstance(value, int | float if kind is float else kind)
    if not taken or (kind in (int, float) and isinstance(value, bool)):
        _wrong(at, kind.__name__, value)
    if kind is float and not abs(value) <= LARGEST:
        _wrong(at, "a finite number", value)
    return float(value) if kind is float else value


def _object(value: Any, at: str) -> dict[str, Any]:
    return value if isinstance(value, dict) else _wrong(at, "an object", value)


def _wrong(at: str, expected: str, got: Any) -> Any:
    raise ValueError(f"{at}: {expected} is expected, got {ascii(got)[:SHOWN]}")
