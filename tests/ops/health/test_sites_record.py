"""A view in the estate store: it comes back as it was, and nothing else does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trimtab.ops.health.reading import Reading
from trimtab.ops.health.record import decode, encode, key_of, views_of
from trimtab.ops.health.verdict import View
from trimtab.registry.fields import BadRecord

HK = Reading("hk", False, True, None, 1_732_300_000.125, "https 503 (198.18.1.10)", ("https", "tcp", "icmp"))
SG = Reading("sg", True, None, None, 0.0, "", ("https",))
VIEW = View("la", "la-registry-1", {"hk": HK, "sg": SG}, 1_732_300_001.0)


def test_it_comes_back_as_it_was() -> None:
    assert decode(key_of(VIEW), encode(VIEW)) == VIEW


def test_as_many_sites_as_an_estate_may_have() -> None:
    many = {f"s{n}": Reading(f"s{n}", True, True, True, 1.0, "x" * 200, ("https",)) for n in range(200)}
    view = View("la", "la-registry-1", many, 1.0)
    assert decode(key_of(view), encode(view)) == view


def test_what_a_terminal_obeys_is_not_written() -> None:
    bad = View(
        "la", "la-registry-1", {"hk": Reading("hk", False, None, None, 1.0, "a\x1b[2Jb\nc", ("https",))}, 1.0
    )
    assert decode(key_of(bad), encode(bad)).readings["hk"].why == "a?[2Jb?c"


@pytest.mark.parametrize(
    "line",
    ["", "1", "11x h 1.0 ", "1-- z 1.0 ", "1-- h x ", "1-- h nan ", "1-- h -1 ", "1-- h 1e99 ", "1--1 h 1.0 ",
     "1-- h 1.0 " + "x" * 201, "1-- h 1.0 a\x07b"],
)  # fmt: skip
def test_a_reading_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(BadRecord, match="no reading"):
        decode("view/la/la-registry-1", json.dumps({"at": 1.0, "sites": {"hk": line}}).encode())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("view/la", {}),
        ("views/la/x", {}),
        ("view/LA/x", {"at": 1.0, "sites": {}}),
        ("view/la/x", {"at": "now", "sites": {}}),
        ("view/la/x", {"at": 1.0, "sites": []}),
        ("view/la/x", {"at": 1.0, "sites": {"../hk": "1-- h 1.0 "}}),
        ("view/la/x", {"at": 1.0, "sites": {"hk": 1}}),
        ("view/la/x", {"at": 1.0, "sites": {f"s{n}": "1-- h 1.0 " for n in range(1001)}}),
    ],
)
def test_a_view_that_is_none_is_refused_and_passed_over(key: str, value: Any) -> None:
    content = json.dumps(value).encode()
    with pytest.raises(BadRecord):
        decode(key, content)
    assert views_of({key: content, key_of(VIEW): encode(VIEW), "gate": b"x"}) == [VIEW]
