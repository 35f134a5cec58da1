"""The life of an incident, as a table: what is seen, and what it becomes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.incidents.incident_kit import DRAINED, NOW, done, opened, played, row, seen, steer, told

from trimtab.ops.arbiter.ledger import Said
from trimtab.ops.arbiter.world import Told
from trimtab.ops.incidents.decide import HOLD_S, decide
from trimtab.ops.incidents.incident import MAX_EVENTS, MAX_ROUTERS, MAX_TEXT, Incident, plain, span
from trimtab.ops.incidents.record import decode, encode, key_of
from trimtab.ops.incidents.review import review

BEGAN = ["detected", "classified"]


@pytest.mark.parametrize(
    ("signs", "state", "kind", "events"),
    [
        ("d", "classified", "unreachable", BEGAN),
        ("i", "classified", "unhealthy", BEGAN),
        ("*", "classified", "everywhere", BEGAN),
        ("ddd", "classified", "unreachable", BEGAN),
        # partial knowledge is told, and changes nothing
        ("d?", "classified", "unreachable", [*BEGAN, "unknown"]),
        ("d??", "classified", "unreachable", [*BEGAN, "unknown"]),
        ("d?d", "classified", "unreachable", [*BEGAN, "unknown", "detected"]),
        ("d?i", "classified", "unhealthy", [*BEGAN, "unknown", "detected", "classified"]),
        # another class
        ("id", "classified", "unreachable", [*BEGAN, "classified"]),
        ("d*d", "classified", "unreachable", [*BEGAN, "classified", "classified"]),
        # it serves, and after 30 s in a row it is over
        ("d+", "verified", "unreachable", [*BEGAN, "verified"]),
        ("d+++", "verified", "unreachable", [*BEGAN, "verified"]),
        ("d++++", "closed", "unreachable", [*BEGAN, "verified", "closed"]),
        ("d?++++", "closed", "unreachable", [*BEGAN, "unknown", "verified", "closed"]),
        # not in a row
        ("d++?+", "verified", "unreachable", [*BEGAN, "verified", "unknown", "verified"]),
        ("d++?+++", "verified", "unreachable", [*BEGAN, "verified", "unknown", "verified"]),
        ("d++?++++", "closed", "unreachable", [*BEGAN, "verified", "unknown", "verified", "closed"]),
        ("d+++d", "detected", "unreachable", [*BEGAN, "verified", "detected"]),
        ("d++i", "classified", "unhealthy", [*BEGAN, "verified", "detected", "classified"]),
        ("d+d+++", "verified", "unreachable", [*BEGAN, "verified", "detected", "verified"]),
        ("d+d++++", "closed", "unreachable", [*BEGAN, "verified", "detected", "verified", "closed"]),
        ("d+?d", "detected", "unreachable", [*BEGAN, "verified", "unknown", "detected"]),
    ],
)
def test_looks_each_ten_seconds(signs: str, state: str, kind: str, events: list[str]) -> None:
    found = played(signs)
    assert found is not None
    assert (found.state, found.kind, told(found)) == (state, kind, events)
    assert [event.at for event in found.events] == sorted(event.at for event in found.events)


@pytest.mark.parametrize("sign", ["+", "?"])
def test_what_serves_and_what_nobody_knows_opens_nothing(sign: str) -> None:
    assert decide(None, seen(sign, decisions=(row(1),), steer=steer(committed=DRAINED)), NOW) is None


def test_a_new_one_says_who_found_what_and_when() -> None:
    found = opened("d", newest=17)
    assert (found.number, found.site, found.quorum, found.decision) == (0, "hk", "not serving", 17)
    assert (found.first, found.since, found.opened) == (NOW - 3, NOW - 1, NOW)
    assert [event.text for event in found.events] == [
        "unreachable, say 2 of 3 vantage points",
        "unreachable: nothing of it answers",
    ]
    assert [line.partition(":")[0] for line in found.said] == ["la", "sg"]
    assert "most likely the check or the observers" in opened("*").events[1].text


def test_a_drained_one_says_so_and_its_drain_is_no_action() -> None:
    found = opened("d", steer=steer(done("withdraw"), committed=replace(DRAINED, at=NOW - 90)))
    assert found.events[0].text.endswith("; it was drained, by ann@ops: fibre work")
    assert (found.step, found.routers, told(found)) == ("withdraw", {"hk-router-1": "withdraw"}, BEGAN)


def test_one_that_was_drained_and_is_well_has_none() -> None:
    """Others are answered by another site then, and its own observers by itself."""
    away = steer(done("withdraw"), committed=replace(DRAINED, at=NOW - 90))
    assert decide(None, seen("d", steer=away, itself=True), NOW) is None
    assert decide(None, seen("d", steer=away, itself=False), NOW) is not None, "its own hear nothing either"
    assert decide(None, seen("d", itself=True), NOW) is not None, "announced, and only itself can see it"


def test_one_that_was_ill_when_it_was_drained_is_not_dark_for_that() -> None:
    away = steer(done("withdraw"), committed=replace(DRAINED, at=NOW + 5))
    drained = decide(opened("i"), seen("d", steer=away), NOW + 10)
    assert drained is not None and drained.kind == "unhealthy" and "classified" not in told(drained)[2:]
    back = decide(drained, seen("d"), NOW + 20)
    assert back is not None and back.kind == "unreachable", "announced, and nothing answers"


def test_each_vantage_point_is_quoted_once() -> None:
    found = opened("d")
    reasons = ("la: https 500 since", "sg: no answer within 1 s", "hk: [no] fresh view")
    later = decide(found, replace(seen("d"), verdict=replace(seen("d").verdict, reasons=reasons)), NOW + 1)
    assert later is not None and told(later) == BEGAN
    assert later.said == (*found.said, "hk: (no) fresh view")


def test_decisions_are_events_with_their_figures() -> None:
    found = decide(
        opened("d", newest=3), seen("d", decisions=(row(3), row(4), row(6, granted=False))), NOW + 9
    )
    assert found is not None
    assert (told(found), found.state, found.decision) == ([*BEGAN, "granted", "refused"], "acted", 6)
    granted, refused = found.events[-2:]
    assert granted.at == NOW + 5
    assert granted.text == (
        "drain-site hk by ann@ops: fibre work; 2 of 3 sites are left to carry, 41% full, 62% then"
    )
    assert refused.text.endswith("; too-few-sites: 1 of 3 sites would carry, the floor is 2")


def test_what_came_of_a_request_is_told_once() -> None:
    """Done: the committed state says so. Given up: nothing else does."""
    why = (Said("given-up", "hk-router-1 has not answered"),)
    kinds = ("drain-site", "drain-site-done", "drain-site", "drain-site-undone", "undrain-proxy")
    rows = tuple(
        replace(each, request=replace(each.request, kind=kind), objections=why if "undone" in kind else ())
        for each, kind in zip(map(row, range(1, 6)), kinds, strict=True)
    )
    found = decide(opened("d"), seen("d", decisions=rows), NOW + 9)
    assert found is not None and told(found)[2:] == ["granted", "granted", "acted", "acted"]
    assert [each.text for each in found.events[-2:]] == [
        "drain-site hk by ann@ops: fibre work; given-up: hk-router-1 has not answered",
        "undrain-proxy hk by ann@ops: fibre work",
    ]


def test_what_was_asked_just_before_it_is_part_of_it() -> None:
    before = row(1, at=NOW - 20)
    found = decide(None, seen("d", newest=1, decisions=(before,)), NOW)
    assert found is not None and told(found) == ["granted", *BEGAN] and found.decision == 1
    assert [event.at - NOW for event in found.events] == [-20, 0, 0]
    assert "Nobody asked" not in review(
        found
    ) and "| detected | the first thing that was done | has not happened |" in review(found)


@pytest.mark.parametrize(("itself", "kind", "granted", "opens"), [
    (True, "drain-site", True, False),  # its drain was killed, and others are answered by another site for a moment more
    (False, "drain-site", True, True),
    (True, "drain-site", False, True),
    (True, "drain-proxy", True, True),
])  # fmt: skip
def test_a_drain_that_was_undone_a_moment_ago_is_none(
    itself: bool, kind: Told, granted: bool, opens: bool
) -> None:
    asked = row(1, granted, at=NOW - 20)
    asked = replace(asked, request=replace(asked.request, kind=kind))
    look = replace(seen("d", newest=1, decisions=(asked,)), itself=itself)
    assert (decide(None, look, NOW) is not None) == opens


def test_what_was_refused_is_no_action() -> None:
    found = decide(opened("d"), seen("d", decisions=(row(1, granted=False),)), NOW + 9)
    assert found is not None and found.state == "classified"


def test_a_drain_is_told_step_by_step_and_back() -> None:
    prefer, both = done("prefer"), (done("withdraw"), done("withdraw", "hk-router-2"))
    looks = [
        steer(prefer, under_way=True),
        steer(done("withdraw", verified=False), under_way=True),
        steer(*both, under_way=True),
        steer(*both, committed=DRAINED),
        steer(*both, committed=DRAINED),
        steer(done("serve"), done("serve", "hk-router-2")),
    ]
    found = opened("i")
    for place, look in enumerate(looks):
        found = decide(found, seen("i", steer=look), NOW + 10 * (place + 1)) or found
    assert told(found) == [*BEGAN, "acted", "acted", "acted", "acted", "acted"]
    assert [event.text for event in found.events[2:]] == [
        "hk-router-1: hk is announced as second choice, verified",
        "hk-router-1, hk-router-2: hk is no longer announced, verified",
        "hk is drained, by ann@ops: fibre work",
        "hk is to serve again: the committed state was taken back",
        "hk-router-1, hk-router-2: hk is announced as the estate has it, verified",
    ]
    assert (found.state, found.step, found.routers) == ("acted", "serve", {})


def test_what_was_done_between_two_looks_is_in_the_order_of_its_times() -> None:
    drained = steer(done("withdraw", at=NOW + 39), committed=DRAINED)
    rows = (row(1, at=NOW + 30), row(2, granted=False, at=NOW + 39.5))
    found = decide(opened(), seen("d", steer=drained, decisions=rows), NOW + 42)
    assert found is not None and [(event.at - NOW, event.kind) for event in found.events[2:]] == [
        (30, "granted"), (39, "acted"), (39.5, "refused"), (40, "acted"),
    ]  # fmt: skip
    back = decide(found, seen("d", steer=steer(done("serve", at=NOW + 55))), NOW + 60)
    assert back is not None and [(event.at - NOW, event.text[:5]) for event in back.events[-2:]] == [
        (55, "hk is"), (55, "hk-ro"),
    ]  # fmt: skip


def test_a_router_that_serves_as_before_has_done_nothing() -> None:
    assert decide(opened("d"), seen("d", steer=steer(done("serve"))), NOW + 9) is None


def test_an_action_does_not_undo_what_was_verified() -> None:
    found = played("d+")
    assert found is not None
    later = decide(found, seen("+", steer=steer(done("prefer"), committed=DRAINED)), NOW + 15)
    assert later is not None and (later.state, told(later)[-2:]) == ("verified", ["acted", "acted"])


def test_it_is_not_closed_while_a_step_is_under_way() -> None:
    found, late = played("d+"), NOW + 10 + HOLD_S
    assert found is not None
    assert decide(found, seen("+", steer=steer(under_way=True)), late) is None
    assert decide(found, seen("+"), late - 0.1) is None
    closed = decide(found, seen("+"), late)
    assert closed is not None and (closed.state, closed.closed) == ("closed", late)


def test_a_clock_that_is_behind_ends_nothing_early_and_turns_no_order_round() -> None:
    found = played("d+")
    assert found is not None
    assert decide(found, seen("+"), NOW - 500) is None
    later = decide(found, seen("d", decisions=(row(1, at=NOW - 9000),)), NOW - 500)
    assert later is not None and {event.at for event in later.events[3:]} == {NOW + 10}


def test_a_row_from_the_future_is_of_now() -> None:
    found = decide(opened(), seen("d", decisions=(row(1, at=9e10),)), NOW + 9)
    assert found is not None and found.events[-1].at == NOW + 9


def test_of_too_many_events_the_middle_is_left_out() -> None:
    found = opened("d")
    for place in range(200):
        found = decide(found, seen("d?"[1 - place % 2]), NOW + place) or found
    assert (len(found.events), found.left_out) == (MAX_EVENTS, 200 + 2 - MAX_EVENTS)
    assert told(found)[:3] == [*BEGAN, "unknown"] and found.events[-1].at == NOW + 199
    closed = decide(decide(found, seen("+"), NOW + 300), seen("+"), NOW + 300 + HOLD_S)
    assert closed is not None and told(closed)[-2:] == ["verified", "closed"]
    assert decode("incident/0000000000", encode(closed)) == closed


def test_routers_without_end_fit_into_a_record() -> None:
    many = tuple(done("prefer", f"hk-router-{n}") for n in range(1, 500))
    found = decide(opened(), seen("d", steer=steer(*many)), NOW + 9)
    assert found is not None and len(found.routers) == MAX_ROUTERS
    assert decide(found, seen("d", steer=steer(*many)), NOW + 10) is None
    assert len(found.events[-1].text) <= MAX_TEXT


def test_texts_are_bounded_and_for_a_terminal() -> None:
    assert plain("a\x1b[2Jb\n{c}") == "a?(2Jb?(c)"
    assert len(plain("x" * 9000)) == MAX_TEXT
    assert plain("\u202e\ud800") == "??"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (0.44, "0.4 s"),
        (9.97, "10 s"),
        (59.6, "1 min 0 s"),
        (192, "3 min 12 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text


LOOKS = st.lists(
    st.tuples(
        st.sampled_from("+id?*"), st.floats(0, 40), st.sampled_from(["", "prefer", "withdraw"]), st.booleans()
    ),
    max_size=30,
)


@given(LOOKS)
@settings(deadline=None, max_examples=100)
def test_whatever_is_seen_twice_is_as_once_and_can_be_written(
    looks: list[tuple[str, float, str, bool]],
) -> None:
    now, held, serves_since = NOW, None, None
    for number, (sign, later, step, doing) in enumerate(looks, 1):
        now += later
        serves_since = (now if serves_since is None else serves_since) if sign == "+" else None
        steered = steer(*([done(step)] if step else []), under_way=doing)
        look = seen(sign, steer=steered, decisions=(row(number),), newest=number)
        found = decide(held, look, now)
        assert held is not None or (found is not None) == (sign in "id*")
        held = _checked(found) if found else held
        if held is not None and held.state == "closed":
            assert serves_since is not None and now - serves_since >= HOLD_S and not doing
            held = None
        elif held is not None:
            assert decide(held, look, now) is None


def _checked(found: Incident) -> Incident:
    assert decode(key_of(found), encode(found)) == found
    assert [event.at for event in found.events] == sorted(event.at for event in found.events)
    assert (found.verified > 0) == (found.quorum == "serving")
    return found
