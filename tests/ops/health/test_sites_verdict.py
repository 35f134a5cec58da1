"""Vantage points that agree, disagree, are silent, stale, double or hostile, and what follows for a site."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.ops.health.reading import Reading
from trimtab.ops.health.verdict import SiteVerdict, View, judge, judge_all

NOW, FRESH_S = 1_800_000_000.0, 6.0
AT = "2027-01-15T07:59:"  # ten to forty seconds before
SITES = ("fra", "nyc", "sg")
VALUES: dict[str, tuple[bool | None, bool | None, bool | None]] = {
    "serving": (True, True, True),
    "unhealthy": (False, True, True),
    "unreachable": (False, False, False),
    "unknown": (None, None, None),
}
WORDS = tuple(VALUES)


def reading(word: str, site: str = "sg", since: float = NOW - 30, why: str = "") -> Reading:
    return Reading(
        site,
        *VALUES[word],
        since,
        why or {"unhealthy": "https 503", "unreachable": "https: refused"}.get(word, ""),
    )


def view(vantage: str, word: str, host: str = "", at: float = NOW - 1, since: float = NOW - 30) -> View:
    return View(vantage, host or f"{vantage}-1", {"sg": reading(word, since=since)}, at)


def judged(views: Any, expected: Any = SITES, quorum: int | None = None) -> SiteVerdict:
    return judge("sg", views, expected, quorum, now=NOW, fresh_s=FRESH_S)


def seen(words: str, quorum: int | None = None) -> SiteVerdict:
    """One word a vantage site; `-` has no view."""
    names = [f"v{i}" for i, _ in enumerate(words.split())]
    views = [view(name, word) for name, word in zip(names, words.split(), strict=True) if word != "-"]
    return judged(views, names, quorum)


@pytest.mark.parametrize(
    ("words", "expected", "agree"),
    [
        ("serving serving serving", "serving", 3),
        ("serving serving unreachable", "serving", 2),  # one that cannot see it: a path, not the site
        ("serving serving -", "serving", 2),
        ("unreachable unreachable serving", "unreachable", 2),
        ("unreachable unreachable unreachable", "unreachable", 3),
        ("unreachable unhealthy serving", "unhealthy", 2),  # somebody hears its hosts
        ("unreachable unreachable unhealthy", "unhealthy", 3),
        ("unhealthy unhealthy -", "unhealthy", 2),
        ("serving unreachable -", "unknown", 1),
        ("serving - -", "unknown", 2),  # a majority of those who report is none of those expected
        ("unreachable - -", "unknown", 2),
        ("unreachable unknown unknown", "unknown", 2),
        ("- - -", "unknown", 3),
        ("serving", "serving", 1),  # alone it judges itself
        ("unreachable", "unreachable", 1),
        ("-", "unknown", 1),
        ("serving unreachable", "unknown", 0),
        ("serving serving", "serving", 2),
        ("unreachable -", "unknown", 1),
        ("serving serving unreachable unreachable", "unknown", 0),
        ("unreachable unreachable unreachable serving", "unreachable", 3),
        ("serving serving - - -", "unknown", 3),
        ("unreachable unreachable unhealthy serving serving", "unhealthy", 3),
    ],
)
def test_more_than_half_of_the_expected_have_to_agree(words: str, expected: str, agree: int) -> None:
    found = seen(words)
    assert (found.state, found.agree, found.of) == (expected, agree, len(words.split()))


@pytest.mark.parametrize(
    ("words", "quorum", "expected"),
    [
        ("unreachable unreachable serving", 3, "unknown"),
        ("unreachable unreachable unhealthy", 3, "unhealthy"),
        ("unreachable serving serving", 1, "serving"),  # both would reach it: the larger side
        ("unreachable serving -", 1, "unknown"),
        ("unreachable - -", 1, "unreachable"),
        ("unreachable unreachable unreachable", 4, "unknown"),
        ("- - -", 0, "unknown"),  # nobody is never a quorum
        ("- - -", -3, "unknown"),
        ("serving - -", 0, "serving"),
    ],
)
def test_a_quorum_that_is_given(words: str, quorum: int, expected: str) -> None:
    assert seen(words, quorum).state == expected


@pytest.mark.parametrize(
    ("hosts", "expected", "why"),
    [
        (["serving", "serving"], "serving", None),
        (["unreachable", "unreachable", "serving"], "unreachable", "fra: https: refused"),
        (["unreachable", "unhealthy", "serving"], "unhealthy", "fra: https 503"),
        (["unreachable", "serving"], "unknown", "fra: its hosts disagree, 1 to 1"),
        (["unreachable", "unreachable", "serving", "serving"], "unknown", "fra: its hosts disagree, 2 to 2"),
        (
            ["unreachable", "unknown"],
            "unreachable",
            "fra: https: refused",
        ),  # who cannot tell is as good as absent
        (["serving", "unknown", "unknown"], "serving", None),
        (["unknown", "unknown"], "unknown", "fra: cannot tell"),
        ([], "unknown", "fra: no fresh view"),
    ],
)
def test_the_hosts_of_one_site_are_one_vantage_point(
    hosts: list[str], expected: str, why: str | None
) -> None:
    found = judged([view("fra", word, f"fra-{i}") for i, word in enumerate(hosts)], ["fra"])
    assert (found.state, found.of) == (expected, 1)
    assert (found.reasons[-1] if why else found.reasons) == ((why + _since(hosts, why)) if why else ())


def _since(hosts: list[str], why: str) -> str:
    return "" if "no fresh" in why else f" since {AT}30Z"


def test_many_hosts_of_one_site_do_not_outvote_the_other_sites() -> None:
    views = [view("fra", "unreachable", f"fra-{i}") for i in range(50)]
    found = judged([*views, view("nyc", "serving"), view("sg", "serving")])
    assert (found.state, found.agree, found.of) == ("serving", 2, 3)


@pytest.mark.parametrize(
    ("age", "counts"),
    [(0.0, True), (6.0, True), (6.1, False), (1e6, False), (-6.0, True), (-6.1, False), (-1e9, False)],
)
def test_a_view_that_is_old_or_of_the_future_is_none(age: float, counts: bool) -> None:
    views = [view("fra", "unreachable", at=NOW - age), view("nyc", "unreachable"), view("sg", "serving")]
    found = judged(views)
    assert found.state == ("unreachable" if counts else "unknown")
    assert ("fra: no fresh view" in found.reasons) is not counts


def test_of_two_views_of_one_host_the_newer_counts_in_any_order() -> None:
    views = [
        view("fra", "unreachable", at=NOW - 3),
        view("fra", "serving", at=NOW - 2),
        view("fra", "unreachable", at=NOW - 5),
    ]
    for order in itertools.permutations(views):
        assert judged(order, ["fra"]).state == "serving"


def test_views_of_sites_that_nobody_expects_do_not_count() -> None:
    strangers = [view(name, "unreachable") for name in ("a", "b", "c", "d", "e")]
    assert judged([*strangers, view("fra", "serving"), view("nyc", "serving")]).state == "serving"
    assert judged(strangers) == judged([])


def test_a_site_that_is_expected_twice_is_one() -> None:
    found = judged(
        [view("fra", "unreachable"), view("nyc", "serving"), view("sg", "serving")],
        ["fra", "fra", "fra", *SITES],
    )
    assert (found.state, found.of) == ("serving", 3)


def test_without_anybody_who_observes_nothing_is_known() -> None:
    assert judged([view("fra", "unreachable")], []) == SiteVerdict(
        "sg", "unknown", 0, 0, 0.0, ("no site has observers",)
    )
    assert judged([], [], quorum=0).state == "unknown"


# ---- since when, and why


def test_since_is_when_the_quorum_had_come_together() -> None:
    times = {"fra": NOW - 40, "nyc": NOW - 20, "sg": NOW - 10}
    views = [view(name, "unreachable", since=at) for name, at in times.items()]
    assert judged(views).since == NOW - 20
    assert judged(views, quorum=3).since == NOW - 10
    assert judged(views, quorum=1).since == NOW - 40
    assert judged(views[1:]).since == NOW - 10


def test_since_of_several_hosts_is_when_most_of_them_had_come_to_it() -> None:
    views = [view("fra", "unreachable", f"fra-{i}", since=NOW - age) for i, age in enumerate((40, 30, 10))]
    assert judged(views, ["fra"]).since == NOW - 30
    mixed = [*views, view("fra", "serving", "fra-9", since=NOW - 90)]
    assert judged(mixed, ["fra"]).since == NOW - 10


def test_reasons_name_who_and_why_and_when() -> None:
    views = [view("sg", "unhealthy"), view("fra", "unreachable", since=NOW - 12.5), view("nyc", "serving")]
    found = judged(views)
    assert found.reasons == (f"fra: https: refused since {AT}47Z", f"sg: https 503 since {AT}30Z")
    assert judged([view(name, "serving") for name in SITES]).reasons == ()


def test_a_verdict_that_holds_says_who_does_not_agree() -> None:
    assert seen("serving serving unreachable").reasons == (f"v2: https: refused since {AT}30Z",)


def test_an_unknown_says_how_many_it_takes() -> None:
    found = seen("serving unreachable -")
    assert found.reasons == (
        "of 3, 1 say that it serves, 1 that it does not: it takes 2",
        f"v1: https: refused since {AT}30Z",
        "v2: no fresh view",
    )


def test_the_observers_own_trouble_is_said() -> None:
    blind = View("fra", "fra-1", {"sg": reading("unknown", why="https: Too many open files")}, NOW)
    assert (
        judged([blind], ["fra"]).reasons[1] == f"fra: cannot tell: https: Too many open files since {AT}30Z"
    )


# ---- hostile

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("at", [NAN, INF, -INF, None, "now", True, [], 10**400])
def test_a_view_without_a_time_is_none(at: Any) -> None:
    assert judged([view("fra", "unreachable", at=at)], ["fra"]).reasons[1] == "fra: no fresh view"


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "view",
        42,
        {"vantage_site": "fra"},
        View(None, "fra-1", {}, NOW),  # type: ignore[arg-type]
        View(["fra"], "fra-1", {}, NOW),  # type: ignore[arg-type]
        View("fra", {}, {}, NOW),  # type: ignore[arg-type]
        View("fra", "fra-1", None, NOW),  # type: ignore[arg-type]
        View("fra", "fra-1", ["sg"], NOW),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_view_is_ignored(broken: Any) -> None:
    views = [view("fra", "serving"), view("nyc", "serving")]
    assert judged([broken, *views, broken]) == judged(views)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "unreachable",
        {"https": False},
        Reading("fra", False, False, False, NOW, ""),  # of another site
        Reading("sg", "no", 0, [], NOW, ""),  # type: ignore[arg-type]
        Reading("sg", False, False, False, NOW, "", None),  # type: ignore[arg-type]
        Reading("sg", False, False, False, NOW, "", ("smtp",)),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_reading_says_nothing(broken: Any) -> None:
    found = judged([View("fra", "fra-1", {"sg": broken}, NOW)], ["fra"])
    assert (found.state, found.agree) == ("unknown", 1)


@pytest.mark.parametrize("since", [NAN, INF, -INF, None, "then", -5.0, NOW + 1e9, 10**400, True])
def test_a_since_that_cannot_be_is_none_of_the_future(since: Any) -> None:
    found = judged([view("fra", "unreachable", since=since)], ["fra"])
    assert found.state == "unreachable" and 0 <= found.since <= NOW


@pytest.mark.parametrize("why", ["\x1b[2Jgone\n\r\x00", "x" * 100_000, None, 7, ["a"], "\u202eesrever"])
def test_somebody_elses_words_are_bounded_and_printable(why: Any) -> None:
    broken = View("fra", "fra-1", {"sg": Reading("sg", False, None, None, NOW - 30, why)}, NOW)
    (reason,) = judged([broken], ["fra"]).reasons
    assert reason.isprintable() and len(reason) < 300 and reason.startswith("fra: ")


# ---- invariants

ANY_VIEW = st.builds(
    lambda vantage, host, word, age, since: View(
        vantage, host, {"sg": reading(word, since=since)}, NOW - age
    ),
    st.sampled_from([*SITES, "elsewhere"]),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(WORDS),
    st.floats(-20, 20),
    st.floats(allow_nan=True),
)


@given(st.lists(ANY_VIEW, max_size=12), st.none() | st.integers(-2, 5))
def test_no_word_without_its_quorum_and_the_order_says_nothing(views: list[View], quorum: int | None) -> None:
    found = judged(views, quorum=quorum)
    assert found.of == 3 and 0 <= found.agree <= 3 and 0 <= found.since <= NOW
    if found.state != "unknown":
        assert found.agree >= (2 if quorum is None else max(1, quorum))
    if len({(each.vantage_site, each.host, each.at) for each in views}) == len(views):
        assert judged(views[::-1], quorum=quorum) == found


@given(st.lists(ANY_VIEW, max_size=12))
def test_one_vantage_site_alone_takes_no_site_down_and_keeps_none_up(views: list[View]) -> None:
    one = [each for each in views if each.vantage_site == "fra"]
    assert judged(one).state == "unknown"


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5), st.integers(0, 4))
def test_a_vantage_point_that_falls_silent_never_turns_one_word_into_another(
    words: list[str], which: int
) -> None:
    names = [f"v{i}" for i in range(len(words))]
    views = [view(name, word) for name, word in zip(names, words, strict=True)]
    before = judged(views, names).state
    after = judged([each for i, each in enumerate(views) if i != which], names).state
    not_serving = {"unhealthy", "unreachable"}
    assert after in ("unknown", before) or (before in not_serving and after in not_serving)


def test_many_sites_are_judged_like_each_of_them() -> None:
    sites = [f"s{i}" for i in range(199)]  # a prime: each view says another word of a site
    words = itertools.cycle(WORDS)
    views = [
        View(vantage, f"{vantage}-{host}", {site: reading(next(words), site) for site in sites}, NOW)
        for vantage in ("a", "b", "c", "d", "e")
        for host in range(2)
    ]
    expected = ["a", "b", "c", "d", "e"]
    found = judge_all(sites, views, expected, now=NOW, fresh_s=FRESH_S)
    assert list(found) == sites
    assert found == {s: judge(s, views, expected, now=NOW, fresh_s=FRESH_S) for s in sites}
    assert {each.state for each in found.values()} == set(WORDS)
