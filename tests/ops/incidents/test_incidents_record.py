"""Incidents in the store: they come back as they were, and what is hostile is refused with the reason."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agent.record_kit import refused_or_read, spoilt
from tests.ops.incidents.incident_kit import opened

from trimtab.ops.arbiter import fields
from trimtab.ops.arbiter.records import is_ours
from trimtab.ops.drain.standing import Standing
from trimtab.ops.incidents import incident as i
from trimtab.ops.incidents.incident import MAX_EVENTS, MAX_ROUTERS, MAX_SAID, MAX_TEXT, Event, Incident
from trimtab.ops.incidents.record import MAX_VALUE, Open, decode, encode, key_of
from trimtab.registry.base import Snapshot
from trimtab.registry.fields import BadRecord

SITES = st.from_regex(fields.SITE, fullmatch=True)
HOSTS = st.from_regex(fields.HOST, fullmatch=True)
TIMES = st.floats(0, 1e10, allow_nan=False)
WHOLES = st.integers(0, 2**63 - 1)
STEPS = st.sampled_from(["serve", "prefer", "withdraw"])
WORDS = st.text(max_size=60).map(i.plain)
INCIDENTS = st.builds(
    Incident,
    st.integers(0, 10**10 - 1),
    SITES,
    st.sampled_from(get_args(i.State)),
    st.sampled_from(get_args(i.Class)),
    st.sampled_from(get_args(i.Quorum)),
    TIMES, TIMES, TIMES, TIMES, TIMES,
    step=STEPS,
    routers=st.dictionaries(HOSTS, STEPS, max_size=5),
    decision=WHOLES,
    said=st.lists(WORDS, max_size=4).map(tuple),
    events=st.lists(st.builds(Event, TIMES, st.sampled_from(get_args(i.Kind)), WORDS), max_size=6).map(tuple),
    left_out=WHOLES,
)  # fmt: skip
RECORDS = INCIDENTS | st.builds(Open, SITES, WHOLES)


@given(RECORDS)
@settings(deadline=None)
def test_it_comes_back_as_it_was(record: Any) -> None:
    assert decode(key_of(record), encode(record)) == record


@given(
    st.sampled_from(["incident/0000000001", "incident/1", "open/hk", "open/HK", "x/y", ""]),
    st.binary(max_size=200),
)
@settings(deadline=None)
def test_bytes_of_anything_are_refused_or_read(key: str, value: bytes) -> None:
    refused_or_read(decode, key_of, key, value)


@given(RECORDS, st.data())
@settings(deadline=None)
def test_a_field_that_is_anything_is_refused_or_read(record: Any, data: st.DataObject) -> None:
    try:
        found = decode(key_of(record), spoilt(data, encode(record)))
    except BadRecord:
        return
    assert decode(key_of(found), encode(found)) == found


GOOD: dict[str, Any] = {
    "site": "hk", "state": "detected", "kind": "dark", "quorum": "serving", "first": 1.0, "since": 2.0,
    "opened": 3.0, "verified": 0, "closed": 0, "step": "serve", "decision": 4, "left_out": 0,
    "routers": [["hk-router-1", "prefer"]], "said": [["la: no answer"]], "events": [[3.0, "detected", "unreachable"]],
}  # fmt: skip
HOSTILE: dict[str, tuple[str, Any, str]] = {
    "no such kind": ("incidents/0000000001", GOOD, "no incident"),
    "a short number": ("incident/1", GOOD, "number"),
    "a long number": ("incident/00000000001", GOOD, "number"),
    "two parts more": ("incident/0000000001/x", GOOD, "no incident"),
    "no object": ("incident/0000000001", [], "object"),
    "another site's name": ("open/HK", {"number": 1}, "site 'HK'"),
    "a terminal's escape in the key": ("open/\x1b[2J", {"number": 1}, "site"),
    "a number that is a text": ("open/hk", {"number": "1"}, "number"),
    "a number that is true": ("open/hk", {"number": True}, "number"),
    "a pointer with a book in it": ("open/hk", {"number": 1, "x": "x" * 400}, "at most 256"),
    "no such state": ("incident/0000000001", {**GOOD, "state": "over"}, "state 'over'"),
    "no such class": ("incident/0000000001", {**GOOD, "kind": "slow"}, "kind"),
    "no such word": ("incident/0000000001", {**GOOD, "quorum": "unhealthy"}, "quorum"),
    "no such step": ("incident/0000000001", {**GOOD, "step": ["serve"]}, "step"),
    "a site of two lines": ("incident/0000000001", {**GOOD, "site": "h\nk"}, "site"),
    "a time before 1970": ("incident/0000000001", {**GOOD, "opened": -1}, "opened"),
    "a time of no number": ("incident/0000000001", {**GOOD, "closed": float("nan")}, "closed"),
    "never": ("incident/0000000001", {**GOOD, "verified": None}, "verified"),
    "too many events": ("incident/0000000001", {**GOOD, "events": GOOD["events"] * 101}, "at most 100"),
    "a short event": ("incident/0000000001", {**GOOD, "events": [[3.0, "detected"]]}, "rows of 3"),
    "an event of no kind": ("incident/0000000001", {**GOOD, "events": [[3.0, "paid", ""]]}, "expected"),
    "an event that rings": ("incident/0000000001", {**GOOD, "events": [[3.0, "acted", "\x07"]]}, "printable"),
    "an event of a page": ("incident/0000000001", {**GOOD, "events": [[3.0, "acted", "x" * 501]]}, "500"),
    "too much was said": ("incident/0000000001", {**GOOD, "said": [["x"]] * 33}, "at most 32"),
    "what was said is no text": ("incident/0000000001", {**GOOD, "said": [[1]]}, "printable"),
    "a router with a slash": ("incident/0000000001", {**GOOD, "routers": [["a/b", "serve"]]}, "host"),
    "a router that stops": ("incident/0000000001", {**GOOD, "routers": [["a", "stop"]]}, "stop"),
    "routers without end": ("incident/0000000001", {**GOOD, "routers": [["a", "serve"]] * 33}, "at most 32"),
    "fewer than none left out": ("incident/0000000001", {**GOOD, "left_out": -1}, "left_out"),
}  # fmt: skip


@pytest.mark.parametrize(("key", "body", "text"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_hostile_is_refused(key: str, body: Any, text: str) -> None:
    with pytest.raises(BadRecord) as caught:
        decode(key, json.dumps(body).encode())
    assert text in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("name", sorted(GOOD))
def test_every_field_is_needed(name: str) -> None:
    body = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(BadRecord, match=name):
        decode("incident/0000000001", json.dumps(body).encode())


RAW = {
    "nothing": b"",
    "half": b'{"number":',
    "deep": b'{"number":' + b"[" * 5000,
    "UTF-16": '{"number":1}'.encode("utf-16"),
    "no UTF-8": b'{"number":"\xff"}',
    "a huge number": b'{"number":' + b"9" * 200 + b"}",
}


@pytest.mark.parametrize("value", RAW.values(), ids=RAW)
def test_what_is_no_json_is_refused(value: bytes) -> None:
    for key in ("open/hk", "incident/0000000001"):
        with pytest.raises(BadRecord):
            decode(key, value)


def test_a_full_one_with_the_longest_texts_can_be_written() -> None:
    text = "\U0001f9ef" * MAX_TEXT
    full = replace(
        opened(),
        events=(Event(9.9e10 + 0.123, "classified", text),) * MAX_EVENTS,
        said=(text,) * MAX_SAID,
        routers={f"{'r' * 60}{n}": "withdraw" for n in range(MAX_ROUTERS)},
    )
    value = encode(full)
    assert decode(key_of(full), value) == full and len(value) < MAX_VALUE


def test_texts_full_of_brackets_can_be_written() -> None:
    found = opened()
    for place in range(MAX_EVENTS):
        found = found.told("acted", found.last + place, "[{" * 250)
    assert decode(key_of(found), encode(found)) == found


@pytest.mark.parametrize(
    "bad",
    [
        Open("Hong Kong", 1),
        Open("hk", -1),
        replace(opened(), site="Hong Kong"),
        replace(opened(), number=10**10),
        replace(opened(), closed=float("nan")),
        replace(opened(), said=("a\x1bb",)),
        replace(opened(), said=("\ud800",)),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_not_written(bad: Any) -> None:
    with pytest.raises(BadRecord):
        encode(bad)


def test_the_arbiter_passes_them_over() -> None:
    records = {"incident/0000000001": b"x", "incident/": b"", "open/hk": b"x"}
    assert not any(is_ours(key) for key in records)
    assert Standing.of(Snapshot(3, records)) == Standing(3)
