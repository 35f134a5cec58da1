"""Answers to JSON and back: one writer, one reader."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NewType, TypeVar

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")
EVENT = "event"  # stands first in its line


def key_of(name: str) -> str:
    """In JSON, of a field."""
    return name.rstrip("_")


def plain(value: Any) -> Any:
    """What `json.dumps` takes."""
    if is_dataclass(value):
        named = sorted(fields(value), key=lambda field: field.name != EVENT)
        found = ((field, getattr(value, field.name)) for field in named)
        return {key_of(f.name): plain(each) for f, each in found if each is not None or f.default is not None}
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, tuple) else value


def extended(kind: type[T], value: Any, **more: Any) -> T:
    """A value of a type that has more fields than its own."""
    return kind(**{field.name: getattr(value, field.name) for field in fields(value)}, **more)


@cache
def adapter(command: str) -> TypeAdapter[Any]:
    from pydantic import ConfigDict, TypeAdapter

    from trimtab.answers.table import ANSWERS

    # by a name: pydantic takes no config beside a bare dataclass
    Answer = NewType("Answer", ANSWERS[command])  # type: ignore[valid-newtype,valid-type]
    return TypeAdapter(Answer, config=ConfigDict(strict=True, extra="forbid", alias_generator=key_of))


def read(command: str, text: str) -> Any:
    """What a command printed, or one line of it. None where that is none of its answers: cut off, or another program's."""
    from pydantic import ValidationError

    try:
        return adapter(command).validate_json(text)
    except ValidationError:
        return None
