"""Frozen dataclasses as JSON and back: what fits comes back equal, what does not is told with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from trimtab import codec


@dataclass(frozen=True, slots=True)
class Leg:
    name: str
    far: float
    ends: tuple[int, str] = (0, "")


@dataclass(frozen=True, slots=True)
class Way:
    kind: Literal["short", "long"]
    legs: tuple[Leg, ...] = ()
    by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    spare: Leg | None = None
    open: bool = True
    facts: dict[str, Any] = field(default_factory=dict)


WAY = Way("long", (Leg("a", 1.5, (2, "x")),), {"4": ("n",)}, Leg("b", 0.0), False, {"any": [1, {"x": None}]})


def test_what_was_written_is_read_back() -> None:
    assert codec.loads(Way, codec.dumps(WAY)) == WAY
    assert codec.loads(Way, '{"kind": "short"}') == Way("short")


def test_a_whole_number_is_a_float_too() -> None:
    found = codec.read(Leg, {"name": "a", "far": 2})
    assert found.far == 2.0 and isinstance(found.far, float)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([], r"^the way: an object is expected, got \[\]$"),
        ({"kind": "short", "king": 1}, "^the way: unknown king$"),
        ({}, "^the way: .*missing.*'kind'"),
        ({"kind": "wide"}, "^kind: short, long is expected, got 'wide'$"),
        ({"kind": []}, "^kind: short, long is expected"),
        ({"kind": "long", "legs": {}}, "^legs: a list is expected"),
        ({"kind": "long", "legs": [{"name": 1, "far": 1.0}]}, r"^legs\[0\]\.name: str is expected, got 1$"),
        ({"kind": "long", "legs": [{"name": "a", "far": True}]}, r"^legs\[0\]\.far: float is expected, got True"),
        ({"kind": "long", "spare": {"name": "a", "far": 0, "ends": [1]}}, r"^spare\.ends: a list of 2 is expected"),
        ({"kind": "long", "spare": {"name": "a", "far": 0, "ends": [False, "x"]}}, r"^spare\.ends\[0\]: int is expected"),
        ({"kind": "long", "spare": {"name": "a"}}, "^spare: .*missing.*'far'"),
        ({"kind": "long", "by": {"4": "n"}}, r"^by\.4: a list is expected, got 'n'$"),
        ({"kind": "long", "open": 1}, "^open: bool is expected, got 1$"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_its_place(value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        codec.read(Way, value, "the way")


def test_a_hostile_value_is_shown_short_and_in_ascii() -> None:
    with pytest.raises(ValueError) as told:
        codec.read(Leg, {"name": ["\x1b[31mä" * 1000], "far": 0})
    assert str(told.value).isascii() and str(told.value).isprintable() and len(str(told.value)) < 200


@pytest.mark.parametrize("far", ["NaN", "Infinity", "-Infinity", "1" + "0" * 400])
def test_what_no_float_holds_is_refused(far: str) -> None:
    with pytest.raises(ValueError, match=r"^far: a finite number is expected"):
        codec.loads(Leg, f'{{"name": "a", "far": {far}}}')
