"""What one vantage point says of a site: its word, since when and why, look after look."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.daemons.front.judge import PROBES, Probe
from trimtab.ops.health.reading import FRESH_S, Reading, Vantage, state_of
from trimtab.ops.health.stream import Damping

T, F, N = True, False, None
ALL: tuple[Probe, ...] = ("https", "tcp", "icmp")


def reading(https: Any = None, tcp: Any = None, icmp: Any = None, asked: tuple[Probe, ...] = ()) -> Reading:
    return Reading("sg", https, tcp, icmp, 0.0, "", asked)


@pytest.mark.parametrize(
    ("https", "tcp", "icmp", "asked", "expected"),
    [
        (T, T, T, (), "serving"),
        (T, F, F, (), "serving"),  # it answered a request: whatever the others say
        (T, N, N, (), "serving"),
        (F, T, T, (), "unhealthy"),
        (F, T, F, (), "unhealthy"),
        (F, F, T, (), "unhealthy"),
        (F, N, T, (), "unhealthy"),
        (F, F, F, (), "unreachable"),
        (F, F, N, (), "unreachable"),  # ICMP is not asked
        (F, N, N, (), "unreachable"),
        (N, T, N, (), "serving"),  # only TCP is asked
        (N, F, N, (), "unreachable"),
        (N, F, T, (), "unhealthy"),
        (N, N, T, (), "serving"),
        (N, N, F, (), "unreachable"),
        (N, N, N, (), "unknown"),
        (N, T, T, ALL, "unknown"),  # HTTPS is asked, and nobody knows: TCP does not speak for it
        (N, F, F, ALL, "unknown"),
        (F, F, N, ALL, "unreachable"),  # ICMP is asked, and not permitted
        (F, N, N, ALL, "unreachable"),
        (N, T, N, ("tcp",), "serving"),
        (N, N, T, ("tcp", "icmp"), "unknown"),
        (T, F, F, ("tcp", "icmp"), "unreachable"),  # a value that nobody asked for
        (F, T, N, ("https",), "unreachable"),
        (1, T, T, (), "serving"),  # no boolean: as if it were not there
        ("no", N, N, (), "unknown"),
        (0, 0, 0, (), "unknown"),
        (F, "yes", 1, (), "unreachable"),
        ("no", T, T, ALL, "unknown"),
    ],
)
def test_words(https: Any, tcp: Any, icmp: Any, asked: tuple[Probe, ...], expected: str) -> None:
    assert state_of(reading(https, tcp, icmp, asked)) == expected


# ---- a vantage point


def seen(letters: str) -> dict[Probe, bool | None]:
    """https, tcp, icmp, as far as there are letters: T, F, ?"""
    return {probe: {"T": T, "F": F, "?": N}[letter] for probe, letter in zip(PROBES, letters, strict=False)}


def looked(
    looks: list[str],
    probes: tuple[Probe, ...] = ALL,
    why: str = "https 503",
) -> tuple[list[str], Vantage]:
    """One look every 2 s from 100 on; the word after each."""
    vantage, found = Vantage.of(["sg", "fra"], probes, Damping(3, 2)), []
    for i, letters in enumerate(looks):
        told = why if "F" in letters or "?" in letters else ""
        vantage = vantage.step("sg", seen(letters), told, 100.0 + 2 * i)
        found.append(state_of(vantage.readings()["sg"]))
    return found, vantage


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        (["TTT"] * 3, "unknown serving serving"),
        (["FFF"] * 4, "unknown unknown unreachable unreachable"),
        (["FTT"] * 4, "unknown unknown unhealthy unhealthy"),
        (["TTT", "TTT", "FTT", "FTT", "FTT"], "unknown serving serving serving unhealthy"),
        (["TTT", "TTT", "FTT", "FTT", "TTT", "FTT", "FTT"], "unknown" + " serving" * 6),
        (["TTT", "TTT", *["FFF"] * 3], "unknown serving serving serving unreachable"),
        ([*["FTT"] * 3, "TTT", "TTT"], "unknown unknown unhealthy unhealthy serving"),
        ([*["FTT"] * 3, *["FFF"] * 3], "unknown unknown unhealthy unhealthy unhealthy unreachable"),
        (["?TT"] * 4, "unknown unknown unknown unknown"),
        (["FF?"] * 3, "unknown unknown unreachable"),
    ],
)
def test_words_look_after_look(looks: list[str], expected: str) -> None:
    assert looked(looks)[0] == expected.split()


def test_a_front_that_fails_is_at_no_moment_of_a_start_serving() -> None:
    """TCP has its word after two looks, HTTPS its own after three."""
    assert looked(["FTT"] * 3)[0] == ["unknown", "unknown", "unhealthy"]


def test_only_what_is_asked_counts() -> None:
    words, vantage = looked(["TTT", "TFT", "TFT", "TFT"], probes=("icmp", "tcp"))
    assert words == ["unknown", "unknown", "unknown", "unhealthy"]
    assert vantage.readings()["sg"] == Reading("sg", None, False, True, 106.0, "https 503", ("tcp", "icmp"))


def test_the_time_of_a_word_is_when_it_came_to_it() -> None:
    looks = ["TTT"] * 5 + ["FTT"] * 5
    for count, since in ((1, 100.0), (2, 102.0), (7, 102.0), (8, 114.0), (10, 114.0)):
        assert looked(looks[:count])[1].readings()["sg"].since == since


@pytest.mark.parametrize(
    ("looks", "why"),
    [
        (["TTT", "TTT"], ""),
        (["TTT", "TTT", "FTT"], ""),  # it still serves
        (["FTT"] * 3, "https 503"),
        (["FTT"] * 3 + ["TTT"], "https 503"),  # one look that went well does not explain it
        (["FTT"] * 3 + ["TTT"] * 2, ""),
        (["?TT"], "https 503"),
    ],
)
def test_the_reason_is_that_of_the_word(looks: list[str], why: str) -> None:
    assert looked(looks)[1].readings()["sg"].why == why


def test_trouble_of_the_observer_does_not_replace_the_reason() -> None:
    vantage = looked(["FTT"] * 3)[1].step("sg", seen("???"), "https: Too many open files", 106.0)
    assert vantage.readings()["sg"].why == "https 503"
    vantage = vantage.step("sg", seen("FTT"), "https 500", 108.0)
    assert vantage.readings()["sg"].why == "https 500"


def test_a_reason_is_bounded() -> None:
    assert len(looked(["FFF"] * 3, why="x" * 10_000)[1].readings()["sg"].why) == 200


def test_who_cannot_ask_any_more_does_not_repeat_what_was() -> None:
    vantage = looked(["TTT"] * 5)[1]  # until 108
    for at in (110.0, 108.0 + FRESH_S):
        vantage = vantage.step("sg", {}, "https: Too many open files", at)
        assert state_of(vantage.readings()["sg"]) == "serving"
    vantage = vantage.step("sg", {}, "https: Too many open files", 108.5 + FRESH_S)
    found = vantage.readings()["sg"]
    assert (state_of(found), found.since, found.why) == ("unknown", 118.5, "https: Too many open files")
    assert vantage.last_s == {}
    vantage = vantage.step("sg", seen("TTT"), "", 120.0).step("sg", seen("TTT"), "", 122.0)
    assert state_of(vantage.readings()["sg"]) == "serving"


def test_one_probe_that_cannot_be_asked_any_more_is_unknown_alone() -> None:
    vantage = looked(["FFT"] * 3)[1]
    for at in range(106, 122, 2):
        vantage = vantage.step("sg", seen("FF?"), "https: refused", float(at))
    assert vantage.readings()["sg"] == Reading("sg", False, False, None, 116.0, "https: refused", ALL)


def test_a_long_interval_is_no_silence() -> None:
    vantage = Vantage.of(["sg"], ALL, Damping(3, 2))
    for at in range(0, 300, 60):
        vantage = vantage.step("sg", seen("FFF"), "https: refused", float(at))
    assert state_of(vantage.readings()["sg"]) == "unreachable"


def test_last_s_is_when_anything_was_known() -> None:
    vantage = looked(["TTT", "TTT", "??T", "???"])[1]
    assert vantage.last_s == {"sg": 104.0}


def test_every_site_has_a_reading_before_it_is_asked() -> None:
    vantage = Vantage.of(["sg", "fra"], ["icmp", "https"], Damping())
    assert vantage.asked == ("https", "icmp")
    assert vantage.readings() == {
        name: Reading(name, None, None, None, 0.0, "not asked yet", ("https", "icmp"))
        for name in ("sg", "fra")
    }
    assert {state_of(each) for each in vantage.readings().values()} == {"unknown"}


def test_sites_do_not_touch_each_other_and_an_old_state_stays() -> None:
    before = looked(["TTT"] * 2)[1]
    after = before.step("fra", seen("FFF"), "https: refused", 104.0)
    assert after.readings()["sg"] == before.readings()["sg"]
    assert before.readings()["fra"].why == "not asked yet"
    assert before.step("nowhere", seen("FFF"), "", 104.0) is before


def test_a_clock_that_is_set_back_gives_no_time_of_the_future() -> None:
    vantage = looked(["TTT"] * 3)[1].step("sg", seen("TTT"), "", 10.0)
    assert vantage.readings()["sg"].since == 10.0


@pytest.mark.parametrize("probes", [[], ["https", "smtp"], [""]])
def test_probes_that_there_are_not(probes: list[Any]) -> None:
    with pytest.raises(ValueError, match="probes are some of https, tcp, icmp"):
        Vantage.of(["sg"], probes, Damping())


@given(
    st.lists(st.tuples(*[st.sampled_from([True, False, None])] * 3, st.floats(0, 1e6)), max_size=40),
    st.sets(st.sampled_from(PROBES), min_size=1),
)
def test_a_word_is_never_said_against_what_the_strongest_probe_said_last(
    looks: list[Any], probes: set[Probe]
) -> None:
    """`serving` needs a yes of it, `unhealthy` and `unreachable` a no, and not one of before FRESH_S."""
    vantage, known = Vantage.of(["sg"], probes, Damping(2, 2)), list[tuple[bool, float]]()
    top = next(probe for probe in PROBES if probe in probes)
    now = 0.0
    for *values, passed in looks:
        now += passed
        told = dict(zip(PROBES, values, strict=True))
        vantage = vantage.step("sg", told, "x", now)
        known += [] if told[top] is None else [(told[top], now)]
        found = vantage.readings()["sg"]
        assert found.since <= now
        if (said := state_of(found)) != "unknown":
            assert now - known[-1][1] <= FRESH_S
            assert (said == "serving") in [yes for yes, _ in known[-2:]]
