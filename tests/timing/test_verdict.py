from __future__ import annotations

from dataclasses import replace

import pytest

from tests.timing.make import EXAMPLES, example, two_sites
from trimtab.timing.budget import budgets
from trimtab.timing.interval import FOR_EVER, UNTIL_REPAIR, Interval
from trimtab.timing.text import arithmetic, table, warnings
from trimtab.timing.verdict import Line, Verdict, judge, lines, promises

TWIN, INTERNET = Interval(0.2, 0.4), Interval(0.2, 190.0)


@pytest.mark.parametrize(
    ("promised", "verdict"),
    [
        (None, ""),
        (0.1, "cannot be kept"),
        (0.2, "tight"),
        (0.39, "tight"),
        (0.4, "only in the twin"),
        (190.0, "holds"),
    ],
)
def test_a_promise_beside_both_worlds(promised: float | None, verdict: Verdict) -> None:
    assert judge(promised, TWIN, INTERNET) == verdict


def test_what_only_a_repair_ends_breaks_no_promise() -> None:
    assert judge(1.0, FOR_EVER, FOR_EVER) == judge(None, FOR_EVER, FOR_EVER) == "until repair"
    assert judge(1.0, Interval(0.0, UNTIL_REPAIR), FOR_EVER) == "tight"


def test_the_tightest_promise_counts() -> None:
    found = promises(example("shop").estate)
    assert (found.rto, found.write_rto) == (1.0, 9.0)


def all_lines(name: str) -> list[Line]:
    inventory = example(name)
    return [line for budget in budgets(inventory) for line in lines(budget, promises(inventory.estate))]


def test_a_partition_is_judged_by_the_side_with_the_majority() -> None:
    found = {line.name: line for line in all_lines("shop") if line.fault == "site-partition"}
    assert found["majority"].verdict == "holds" and found["minority"].verdict == "until repair"
    assert found["majority"].promised == 9.0 and found["minority"].promised is None


def test_the_table_names_a_fault_once_and_fits_a_terminal() -> None:
    rows = [text for text, _ in table(all_lines("shop"), ("twin", "internet"))]
    assert all(len(row) <= 100 for row in rows)
    assert sum(row.startswith("site-power-cut") for row in rows) == 1
    assert sum(row.startswith("site-partition") for row in rows) == 1
    assert any("majority" in row for row in rows)


def test_the_page_shows_the_shops_own_rows() -> None:
    page = (EXAMPLES.parent / "docs/timing.md").read_text()
    shown = page[page.index("fault  ") :].partition("```")[0].splitlines()
    rows = [text.rstrip() for text, _ in table(all_lines("shop"), ("twin", "internet"))]
    assert len(shown) == 5 and set(shown) <= set(rows)


def test_a_promise_that_a_split_vote_breaks_is_told() -> None:
    (line,) = (one for one in all_lines("shop") if one.fault == "store-leader-loss" and one.name == "writes")
    assert line.verdict == "holds" and not line.seldom and not list(warnings([line]))
    rare = replace(line, within={"twin": 0.9715, "internet": 0.9715})
    assert rare.seldom and not replace(rare, verdict="tight").seldom
    assert list(warnings([rare])) == [
        "not always: a split vote of an election takes longer: 97.1 % stay within the promise (1 fault)"
    ]


def test_unpromised_writes_have_no_row() -> None:
    rows = [text for text, _ in table(all_lines("enterprise"), ("twin",))]
    assert not any("writes" in row for row in rows) and "Internet" not in rows[0]


def test_the_arithmetic_wraps_only_where_it_is_told_to() -> None:
    budget = next(b for b in budgets(two_sites()) if b.fault == "site-power-cut")
    narrow, plain = list(arithmetic(budget, ("twin",), 80)), list(arithmetic(budget, ("twin",), None))
    assert max(map(len, narrow)) <= 80 < max(map(len, plain)) and len(narrow) > len(plain)
    assert any("RFC 5880, 6.8.4" in row for row in plain)


def test_what_is_the_same_in_both_worlds_is_told_once() -> None:
    budget = next(b for b in budgets(two_sites()) if b.fault == "proxy-hang")
    titles = [row for row in arithmetic(budget, ("twin", "internet"), None) if row.startswith("reads")]
    assert len(titles) == 1 and titles[0].startswith("reads, twin and Internet: 0.60–0.92 s")


def test_warnings_count_faults() -> None:
    found = list(warnings(all_lines("enterprise")))
    assert any(text.startswith("until repair: ") and "(5 faults)" in text for text in found)
