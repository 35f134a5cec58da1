"""Records of the estate store: they come back as they were, and what somebody else made is refused with the reason."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agent.record_kit import refused_or_read, spoilt
from tests.ops.arbiter.arbiter_kit import NOW, asked, drain, permit, world

from trimtab.ops.arbiter import fields, ledger
from trimtab.ops.arbiter import records as r
from trimtab.ops.arbiter.ledger import MAX_GRANTS, MAX_TEXT, ChangeBudget, Decision, Figures, Heard, Said
from trimtab.ops.arbiter.records import decode, encode, is_ours, key_of
from trimtab.ops.arbiter.world import Freeze, Grant, Permit, Request, Told
from trimtab.ops.steering.shift import MOST_PREPENDS, Shift, UpstreamShift
from trimtab.ops.steering.wish import Committed, Doing, Done
from trimtab.registry.fields import BadRecord

SITES = st.from_regex(fields.SITE, fullmatch=True)
HOSTS = st.from_regex(fields.HOST, fullmatch=True)
IDS = st.from_regex(fields.WORD, fullmatch=True)
TARGETS = st.from_regex(fields.TARGET, fullmatch=True)
KINDS = st.sampled_from(["drain-site", "drain-proxy", "drain-member"])
STEPS = st.sampled_from(["serve", "prefer", "withdraw"])
TIMES = st.floats(0, 1e10, allow_nan=False)
SPANS = st.floats(0.001, 3600)
WHOLES = st.integers(0, 2**63 - 1)
WORDS = st.text(max_size=60).filter(str.isprintable)
SHARES = st.none() | st.floats(0, 1e9)
GRANTS = st.builds(Grant, TIMES, KINDS, SITES, TARGETS)
TOLD = st.sampled_from(get_args(Told))
REQUESTS = st.builds(Request, TOLD, WORDS, WORDS, WORDS, WORDS, st.booleans(), st.booleans())
FIGURES = st.builds(Figures, WHOLES, WHOLES, SHARES, SHARES, WHOLES, WHOLES)
SAID = st.lists(st.builds(Said, IDS, WORDS, st.booleans()), max_size=16).map(tuple)
PARTS = st.tuples(*[st.integers(0, 2**16 - 1)] * 2) | st.tuples(*[st.integers(0, 2**32 - 1)] * 3)
SHIFTS = st.builds(
    UpstreamShift,
    SITES,
    st.integers(0, MOST_PREPENDS),
    st.integers(0, 2**32 - 1),
    st.lists(PARTS, max_size=3).map(tuple),
)
RECORDS = st.one_of(
    st.builds(ChangeBudget, WHOLES, st.lists(GRANTS, max_size=20).map(tuple)),
    st.builds(Freeze, WORDS, WORDS, TIMES),
    st.builds(Decision, st.integers(0, 10**10 - 1), TIMES, REQUESTS, st.booleans(), SAID, FIGURES),
    st.builds(Permit, IDS, KINDS | st.just("undrain-site"), SITES, TARGETS, WORDS, WORDS, TIMES, SPANS),
    st.builds(Doing, SITES, STEPS, IDS, WHOLES, SPANS, st.integers(0, MOST_PREPENDS)),
    st.builds(Shift, SITES, WORDS, WORDS, TIMES, st.lists(SHIFTS, max_size=5).map(tuple)),
    st.builds(Committed, SITES, STEPS, WORDS, WORDS, TIMES, IDS | st.just("")),
    st.builds(Done, SITES, HOSTS, STEPS, WHOLES, st.booleans(), TIMES, WORDS, WORDS, TIMES),
    st.builds(Heard, SITES, HOSTS, st.booleans(), TIMES),
)


@given(RECORDS)
@settings(deadline=None)
def test_it_comes_back_as_it_was(record: Any) -> None:
    key = key_of(record)
    assert is_ours(key)
    assert decode(key, encode(record)) == record


@given(
    st.sampled_from(
        [
            "gate",
            "freeze",
            "permit/p",
            "doing/a",
            "steer/a",
            "shift/a",
            "done/a/h",
            "heard/a/h",
            "decision/0000000001",
            "x/y",
            "",
        ]
    ),
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


DOING = {"step": "prefer", "permit": "p1", "token": 7, "ttl_s": 10.0}
PERMIT = {
    "kind": "drain-site", "site": "hk", "target": "hk", "by": "bob", "reason": "", "at": 1.0, "ttl_s": 10.0,
}  # fmt: skip
DONE = {"step": "serve", "token": 0, "verified": True, "at": 1.0, "why": "", "amiss": ""}
STEER = {"step": "withdraw", "by": "bob", "reason": "", "at": 1.0, "permit": "p1"}
SHIFT: dict[str, Any] = {"by": "bob", "reason": "", "at": 1.0, "upstreams": [["isp", 2, 50, [[64500, 3]]]]}
BUDGET: dict[str, Any] = {"number": 1, "grants": [[1.0, "drain-site", "hk", "hk"]]}

HOSTILE: dict[str, tuple[str, Any, str]] = {
    "no such kind": ("leases/x", {}, "no such kind"),
    "a key too long": ("doing/hk/x", DOING, "no such kind"),
    "a key too short": ("done/hk", DONE, "no such kind"),
    "another site's name": ("doing/HK", DOING, "site 'HK'"),
    "a name with a slash": ("permit/../x", PERMIT, "no such kind"),
    "a terminal's escape in the key": ("doing/\x1b[2J", DOING, "site"),
    "no object": ("doing/hk", [], "object"),
    "a text": ("doing/hk", "x", "object"),
    "no step": ("doing/hk", {**DOING, "step": None}, "step"),
    "a step that is a list": ("doing/hk", {**DOING, "step": ["serve"]}, "step"),
    "no such step": ("steer/hk", {**STEER, "step": "stop"}, "step 'stop': expected serve, prefer, withdraw"),
    "a token that is a fraction": ("doing/hk", {**DOING, "token": 1.5}, "token"),
    "a token that is true": ("doing/hk", {**DOING, "token": True}, "token"),
    "a token below 0": ("doing/hk", {**DOING, "token": -1}, "token"),
    "a token beyond 64 bits": ("doing/hk", {**DOING, "token": 2**63}, "token"),
    "a time to live of 0": ("doing/hk", {**DOING, "ttl_s": 0}, "ttl_s"),
    "of ever": ("doing/hk", {**DOING, "ttl_s": float("inf")}, "ttl_s"),
    "of no number": ("doing/hk", {**DOING, "ttl_s": float("nan")}, "ttl_s"),
    "of a day": ("permit/p", {**PERMIT, "ttl_s": 86400}, "at most 3600 seconds"),
    "a permit of another kind": ("permit/p", {**PERMIT, "kind": "destroy"}, "kind"),
    "a target of three parts": ("permit/p", {**PERMIT, "target": "a/b/c"}, "target"),
    "no site": ("permit/p", {**PERMIT, "site": ""}, "site"),
    "a time before 1970": ("permit/p", {**PERMIT, "at": -1}, "at"),
    "a time of no number": ("permit/p", {**PERMIT, "at": float("nan")}, "at"),
    "a reason that rings": ("permit/p", {**PERMIT, "reason": "\x07"}, "reason"),
    "a reason of two lines": ("steer/hk", {**STEER, "reason": "a\nb"}, "reason"),
    "a reason that is too long": ("steer/hk", {**STEER, "reason": "x" * 201}, "reason"),
    "nobody": ("freeze", {"reason": "", "at": 1}, "by"),
    "a path of a hundred": ("shift/hk", {**SHIFT, "upstreams": [["isp", 100, 0, []]]}, "from 0 to 10"),
    "a community of one": ("shift/hk", {**SHIFT, "upstreams": [["isp", 1, 0, [[1]]]]}, "two numbers or three"),
    "a community beyond 16 bits": ("shift/hk", {**SHIFT, "upstreams": [["isp", 1, 0, [[65536, 1]]]]}, "65535"),
    "an upstream that is a statement": ("shift/hk", {**SHIFT, "upstreams": [['"; x', 1, 0, []]]}, "expected"),
    "a ramp beyond all": ("doing/hk", {**DOING, "prepend": 11}, "from 0 to 10"),
    "verified, perhaps": ("done/hk/r1", {**DONE, "verified": 1}, "verified"),
    "heard, perhaps": ("heard/hk/r1", {"hears": "yes", "at": 1}, "hears"),
    "too many grants": ("gate", {**BUDGET, "grants": BUDGET["grants"] * (MAX_GRANTS + 1)}, "at most 200"),
    "a short grant": ("gate", {**BUDGET, "grants": [[1.0, "drain-site", "hk"]]}, "rows of 4"),
    "a grant that is an object": ("gate", {**BUDGET, "grants": [{}]}, "rows of 4"),
    "grants that are a text": ("gate", {**BUDGET, "grants": "many"}, "a list"),
    "a grant of an undrain": ("gate", {**BUDGET, "grants": [[1.0, "undrain-site", "hk", "hk"]]}, "expected"),
    "a change_budget without its number": ("gate", {"grants": []}, "number"),
}  # fmt: skip


@pytest.mark.parametrize(("key", "body", "text"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_hostile_is_refused(key: str, body: Any, text: str) -> None:
    with pytest.raises(BadRecord) as caught:
        decode(key, json.dumps(body).encode())
    assert text in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


RAW: dict[str, bytes] = {
    "nothing": b"",
    "half": b'{"step":"pre',
    "deep": b'{"step":' + b"[" * 5000,
    "UTF-16": '{"step":"prefer"}'.encode("utf-16"),
    "no UTF-8": b'{"step":"\xff"}',
    "big": b'{"step":"' + b"x" * 9000 + b'"}',
    "a huge number": b'{"step":"prefer","permit":"p","token":' + b"9" * 5000 + b',"ttl_s":1}',
}


@pytest.mark.parametrize("value", RAW.values(), ids=RAW)
def test_what_is_no_json_is_refused(value: bytes) -> None:
    with pytest.raises(BadRecord):
        decode("doing/hk", value)


@pytest.mark.parametrize("name", sorted(PERMIT))
def test_every_field_of_a_permit_is_needed(name: str) -> None:
    body = {key: value for key, value in PERMIT.items() if key != name}
    with pytest.raises(BadRecord, match=name):
        decode("permit/p", json.dumps(body).encode())


def test_what_an_earlier_release_wrote_is_read() -> None:
    """It knows neither of a shift nor of a ramp; and it reads what says nothing of them."""
    assert decode("done/hk/r1", json.dumps(DONE).encode()) == Done("hk", "r1", "serve", 0, True, 1.0)
    assert json.loads(encode(Done("hk", "r1", "serve", 0, True, 1.0))) == DONE
    assert decode("doing/hk", json.dumps(DOING).encode()) == Doing("hk", "prefer", "p1", 7, 10.0)
    assert json.loads(encode(Doing("hk", "prefer", "p1", 7, 10.0))) == DOING


def test_a_full_gate_can_be_written() -> None:
    longest = "x" * 63
    grants = tuple(
        Grant(NOW + i / 7, "drain-member", "s" * 20, f"{longest}/{longest}") for i in range(MAX_GRANTS)
    )
    assert decode("gate", encode(ChangeBudget(MAX_GRANTS, grants))) == ChangeBudget(MAX_GRANTS, grants)


def test_what_cannot_be_read_is_not_written() -> None:
    for bad in (
        Permit("p1", "drain-site", "hk", "hk", "bob", "a\x1bb", NOW, 10.0),
        Committed("Hong Kong", "withdraw", "bob", "", NOW),
        Doing("hk", "prefer", "p1", -1, 10.0),
        Doing("hk", "prefer", "p1", 1, float("nan")),
    ):
        with pytest.raises(BadRecord):
            encode(bad)


def test_a_decision_keeps_the_figures_and_cuts_the_sentences() -> None:
    given = world("hk " + " ".join(f"site-number-{i}:unreachable" for i in range(1000)))
    request = drain(reason="cabling")
    made = Decision.of(7, NOW, request, asked(given, request))
    assert decode(key_of(made), encode(made)) == made
    assert key_of(made) == "decision/0000000007"
    assert (made.figures.sites_before, made.figures.sites_after, made.granted) == (1, 0, False)
    assert [each.rule for each in made.objections] == ["last-site"]
    assert len(made.objections[0].text) <= MAX_TEXT


@pytest.mark.parametrize("key", ["decision/7", "decision/00000000007", "decision/-000000007", "decision/x"])
def test_a_row_has_a_number_of_ten_digits(key: str) -> None:
    value = encode(Decision(7, NOW, drain(), True))
    with pytest.raises(BadRecord, match="number"):
        decode(key, value)


def test_what_was_asked_is_kept_whatever_it_was() -> None:
    """There is no such site: that is what the row is to say."""
    request = Request("drain-site", "No Such Site", "No Such Site", "bob")
    made = Decision.of(1, NOW, request, asked(world(), request))
    assert decode(key_of(made), encode(made)) == made


def test_hostile_words_of_a_permit_do_not_reach_the_row() -> None:
    given = world(permits=[permit(reason="a\x1b[2Jb")])
    made = Decision.of(1, NOW, drain(), asked(given, drain()))
    assert "a?[2Jb" in made.objections[0].text
    assert ledger.plain("\u202e") == "?"


def test_a_router_that_explains_itself_at_length_is_cut() -> None:
    done = Done("hk", "r1", "serve", 0, False, NOW, "", "up_4 is down; " * 100)
    found = decode(key_of(done), encode(done))
    assert isinstance(found, Done)
    assert len(found.amiss) == MAX_TEXT


def test_other_kinds_of_the_store_are_not_ours() -> None:
    assert not any(is_ours(key) for key in ("view/hk/h1", "members/api/b1", "gate/x", "", "doing"))
    assert r.MAX_VALUE < r.MAX_BUDGET
