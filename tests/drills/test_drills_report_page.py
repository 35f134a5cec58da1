"""A report's page: every figure is in it, nothing in it can act, and its drawings say what the timeline says."""

from __future__ import annotations

import copy
import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from drills_kit import history, orders
from drills_report_kit import out_for, report

from trimtab.drills.history import Mark
from trimtab.drills.report import words
from trimtab.drills.report.page import index, page
from trimtab.drills.report.tables import text

HOSTILE = '"><script>alert(1)</script>{{ 7 * 7 }}</style><img src=x onerror=alert(1)>'
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Reader(HTMLParser):
    """Every tag with its attributes, and the text outside style; complains about tags that do not match."""

    def __init__(self, found: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(found)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def read(found: dict[str, Any]) -> str:
    return Reader(page(found)).text


def plain(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of every plain value."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from plain(one, f"{path}/{key}")
    elif isinstance(value, list):
        for one in value:
            yield from plain(one, path)
    else:
        yield path, value


def forms(value: float) -> set[str]:
    """The ways in which a figure may stand on a page."""
    if isinstance(value, bool):
        return {text(value)}
    return {words.seconds(value), words.millis(value), words.count(value), text(value), f"{value:g}"}


def test_every_figure_of_the_runs_is_on_the_page() -> None:
    quiet = orders((0.5, 2.37))
    found = report(out_for(0.351, orders={"asia": quiet, "america": orders(region="america")}), out_for(0.22))
    shown = read(found)
    for run in found["runs"]:
        known = {key: value for key, value in run.items()
                 if key not in ("timeline", "phases", "fault_at_s", "within_prediction")}  # fmt: skip
        for path, value in plain(known):
            if isinstance(value, int | float):
                assert any(form in shown for form in forms(value)), (path, value)


def test_what_it_needs_to_be_believed_and_repeated_is_there() -> None:
    shown = read(report(configuration="9f2c6b1e", source_s=23.0))
    for said in ("9f2c6b1e", "trimtab drill run x", "22 November 2025, 04:23:28 UTC+01:00", "0.1.0",
                 "4 processors", "Linux 6.1.0", "0.25–1.75", "23 s", "/records", "RFC 5880, 6.8.4"):  # fmt: skip
        assert said in shown, said
    assert "Configuration unknown" in read(report())


def test_the_first_lines_tell_the_whole_story() -> None:
    found = report(out_for(0.35))
    assert found["verdict"] == "true"
    shown = read(found)
    assert "hk loses power (8 hosts) ✓ Every promise held. Readers noticed for 0.34 s." in shown
    assert "None of 150 acknowledged orders was lost." in shown


def test_a_broken_promise_says_which_and_by_how_much() -> None:
    lost = out_for(1.3, stored=dict.fromkeys(list(history().stored or {})[1:], 1))
    found = report(out_for(0.35), lost)
    shown = read(found)
    assert "✕ A promise was broken, in 1 of 2 runs." in shown
    assert "run 2: asia could not read for 1.29 s, promised 1 s" in shown
    assert "1 acknowledged order of 300 was lost." in shown
    assert "Reads, asia ≤ 1 s 0.20–0.40 s 1.29 s 0.89 s above its prediction 0.82 s ✕ missed" in shown
    assert "What clients saw in run 2, the worst of 2" in shown


def test_without_orders_nothing_is_claimed_of_them() -> None:
    shown = read(report(out_for(0.3, orders={}, stored=None)))
    assert "? Not proved: something could not be measured." in shown
    assert "No orders were sent, so nothing is known of writes." in shown
    assert "Writes ≤ 5 s 0.20–4.00 s - ? unknown" in shown
    assert "order acknowledged" not in shown


def test_runs_that_did_not_take_place() -> None:
    assert "only 1 of 3 runs took place" in read(report(out_for(0.3), wanted=3))
    none = report(out_for(0.3), wanted=1)
    none["runs"], none["verdict"] = [], "unknown"
    assert "No run took place." in read(none)


def test_an_unbounded_prediction_reads_until_repair() -> None:
    predicted = {"outage_s": [0.2, None], "write_outage_s": [None, None]}
    shown = read(report(out_for(0.35), predicted=predicted))
    assert "Reads, asia ≤ 1 s 0.20 s – until repair 0.34 s ✓ held" in shown
    assert "Writes ≤ 5 s until repair" in shown
    assert "its prediction" not in shown.split("What clients saw")[0]


def test_a_region_that_did_not_recover() -> None:
    shown = read(report(out_for(20.0)))
    assert "Readers in asia were still failing when the watch ended." in shown
    assert "not recovered" in shown
    assert "reads still failed at the end" in shown


def test_marks_are_numbered_and_told_beside_the_drawing() -> None:
    marks = (Mark(103.21, "the prefix leaves the Internet"), Mark(104.5, "la leads the store"))
    shown = read(report(out_for(0.35, marks=marks)))
    assert "+0.21 s 1 the prefix leaves the Internet +1.50 s 2 la leads the store +5.00 s restored" in shown


def test_evidence_stands_side_by_side_and_changes_are_bold() -> None:
    seen = {
        when: {"vip": {"holder": f"hk-proxy-{n}"}} for when, n in (("before", 1), ("during", 2), ("after", 1))
    }
    found = page(report(out_for(0.35, evidence={**seen, "told": {"hk-proxy-1": {"taken": True}}})))
    assert "<td>hk-proxy-1</td><td><strong>hk-proxy-2</strong></td><td>hk-proxy-1</td>" in found
    assert "the fault was told: hk-proxy-1 taken" in found


def test_the_conduct_of_the_estate_is_a_promise_like_others() -> None:
    seen = {"before": {"vip": {"holder": "hk-proxy-1"}}, "during": {"vip": {"holder": "hk-proxy-2"}}}
    found = report(out_for(0.35, evidence=seen))
    found["claims"]["conduct"] = {"vip": "moves"}
    found["runs"][0]["checks"].append({"check": "vip", "verdict": "true", "reasons": [], "figures": {}})
    assert "The site's addresses moves hk-proxy-1 → hk-proxy-2 ✓ held" in read(found)


def test_the_prediction_adds_up_and_the_internet_is_told_apart() -> None:
    shown = read(report())
    assert "Reads in the twin: 0.20–0.30 s" in shown
    assert "which no twin can measure: Reads on the Internet: 0.20 s – until repair" in shown


def hostile(value: Any) -> Any:
    """The same object with markup in every text, but for what the page decides by; names that are keys stay."""
    kept = ("verdict", "kind", "world", "figure", "check")
    if isinstance(value, dict):
        return {key: one if key in kept else hostile(one) for key, one in value.items()}
    if isinstance(value, list):
        return [hostile(one) for one in value]
    return f"{value}{HOSTILE}" if isinstance(value, str) else value


def test_nothing_that_an_estate_says_becomes_markup() -> None:
    marks = (Mark(103.3, "x"),)
    evidence = {"before": {"vip": {"holder": "x"}}, "during": {"vip": {"holder": "x"}}}
    found = report(out_for(0.35, marks=marks, evidence=evidence), configuration="x")
    found = hostile(found)
    for run in found["runs"]:  # names are keys
        for part in (run["regions"], run["timeline"]["regions"], run["timeline"]["latency_ms"]):
            part[HOSTILE] = part.pop("asia")
        run["regions"][HOSTILE]["sites"] = {"before": {HOSTILE: 3}}
        run["evidence"]["before"][HOSTILE] = {HOSTILE: HOSTILE}
    for made in (page(found), index({HOSTILE: found})):
        assert HOSTILE in html.unescape(made)
        reader = Reader(made)
        assert not {"script", "img"} & {tag for tag, _ in reader.tags}
        assert not [name for _, attributes in reader.tags for name in attributes if name.startswith("on")]
        assert made.count("</style>") == 1
        assert "49" not in re.findall(r"alert\(1\)</script>(\d+)", html.unescape(made))


def test_the_page_needs_nothing_but_itself() -> None:
    reader = Reader(page(report()))
    for tag, attributes in reader.tags:
        assert tag not in ("script", "link", "img", "iframe", "object")
        assert not {"src", "href", "srcset"} & set(attributes)
    assert not re.search(r"@import|url\((?!#)|https?://", page(report()))


def test_the_drawing_hangs_what_failed_under_the_line() -> None:
    found = page(report(out_for(0.35)))
    failed = re.findall(r'<path class="failed" d="([^"]+)"', found)
    assert len(failed) == 2  # asia's, in both panels
    # from the fault, 3 s into 15, a block that hangs from the line at 48: 10 of 10 a bin, then half of them
    assert failed[0] == "M200.0 48.0V96.0H206.7V96.0H213.3V96.0H220.0V72.0H226.7V48.0Z"


def test_the_predicted_interval_is_shaded_where_it_belongs() -> None:
    found = page(report(out_for(0.35), predicted={"outage_s": [0.3, 0.6]}))
    assert found.count('<rect class="tint" x="22.0%" width="2.0%"') == 2  # both regions, the whole run


def test_an_index_links_to_each_page() -> None:
    good, bad = report(out_for(0.35)), report(out_for(1.3))
    bad["scenario"] = "proxy-power-cut"
    found = index({"site-power-cut": good, "proxy-power-cut": bad})
    links = [attributes["href"] for tag, attributes in Reader(found).tags if tag == "a"]
    assert links == ["site-power-cut/report.html", "proxy-power-cut/report.html"]
    assert "1 true, 1 false, 0 unknown" in Reader(found).text


def test_many_runs_are_listed_all_and_drawn_a_dozen() -> None:
    found = report(out_for(0.35))
    found["runs"] = [copy.deepcopy(found["runs"][0]) for _ in range(15)]
    shown = read(found)
    assert "3 further runs are not drawn" in shown
    assert "Every promise held, in each of 15 runs." in shown


@pytest.mark.parametrize(
    "value", [{"configuration": None}, {"estate": None}, {"made_at": None}, {"terms": None}]
)
def test_what_an_older_report_lacks_is_unknown_and_no_error(value: dict[str, Any]) -> None:
    assert read({**report(), **value})
