"""Who was caught where: what has moved, in words, as a table and as a picture; and whom a drill asks."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from drills_kit import history, reads
from drills_paper_kit import facts, scene
from drills_report_kit import one_run, report

from trimtab.answers.routes import Heard
from trimtab.drills.faults.base import Aim
from trimtab.drills.play import Play
from trimtab.drills.probes import PROBES
from trimtab.drills.report.catchment import catchment, lines, of_run
from trimtab.drills.report.catchment_picture import CHANGED, svg
from trimtab.drills.report.page import page, picture
from trimtab.drills.report.tables import caught
from trimtab.drills.scenario_file import find
from trimtab.errors import EnvironmentUnable

V4, V6, OTHER = "203.0.113.0/24", "2001:db8:113::/48", "198.18.2.0/24"


def heard(**sites: str | None) -> list[Heard]:
    """By vantage the site that has it at both prefixes; None: it gave no answer."""
    found = []
    for vantage, site in sites.items():
        if site is not None:
            at = tuple(site.split("/")) if site else ()
            found += [Heard(vantage, prefix, "65010", at, len(at)) for prefix in (V4, V6)]
            found.append(Heard(vantage, OTHER, "65020", ("sg",), 1))
    return found


BEFORE = heard(as1="hk", as2="hk", as3="sg")
MOVED = heard(as1="sg", as2="", as3="sg")


def test_prefixes_that_everybody_has_alike_are_one_group_and_those_that_moved_stand_first() -> None:
    found = catchment({"before": heard(as1="hk"), "after": heard(as1="sg")})
    assert [(group.prefixes, group.moved) for group in found.groups] == [((V4, V6), True), ((OTHER,), False)]
    assert [group.prefixes for group in found.moved] == [(V4, V6)]


def test_what_has_moved_is_told_by_who_moved_alike() -> None:
    found = catchment({"before": BEFORE, "during": MOVED, "after": BEFORE})
    assert list(lines(found)) == [
        f"{V4}, {V6}: hk → sg → hk for as1",
        f"{V4}, {V6}: hk → not heard → hk for as2",
    ]


def test_who_gives_no_answer_has_not_moved() -> None:
    found = catchment({"before": BEFORE, "during": heard(as1=None, as2="hk", as3="sg")})
    assert not found.moved
    assert list(lines(found)) == ["no answer during: as1", "3 prefixes, nobody was caught elsewhere"]


def test_two_sites_of_one_as_number_are_both_named() -> None:
    found = catchment({"before": heard(as1="hk"), "during": heard(as1="hk/sg")})
    assert next(lines(found)).startswith(f"{V4}, {V6}: hk → hk/sg")


def drawn(moments: Mapping[str, Sequence[Heard]], title: str = "x") -> ET.Element:
    return ET.fromstring(svg(catchment(moments), title))


def said(root: ET.Element) -> list[str]:
    return [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}text")]


def test_the_picture_marks_what_moved_by_a_sign_and_a_thicker_line() -> None:
    root = drawn({"before": BEFORE, "during": MOVED})
    assert (
        f"{CHANGED} as1" in said(root)
        and f"{CHANGED} as2" in said(root)
        and f"{CHANGED} as3" not in said(root)
    )
    widths = [each.get("stroke-width") for each in root.iter("{http://www.w3.org/2000/svg}path")]
    assert widths.count("3.5") == 1 and "1.5" in widths, "only as1's line leads elsewhere; as2 has none"
    assert "✕ not heard" in said(root) and "sg  2" in said(root)


def test_sites_differ_by_their_stroke_not_by_colour_alone() -> None:
    root = drawn({"now": BEFORE})
    boxes = {
        (each.get("stroke"), each.get("stroke-dasharray"))
        for each in root.iter("{http://www.w3.org/2000/svg}rect")
        if each.get("class") == "box"
    }
    assert len({stroke for _, stroke in boxes}) == len(boxes) == 2


def test_names_do_not_become_markup() -> None:
    root = drawn({"now": [Heard("<b>", "<i>", "", ("&hk",), 1)]}, "<script>")
    assert {"<b>", "<i>", "<script>", "&hk  1"} <= set(said(root))


def looked(found: Sequence[Heard], *silent: str) -> dict[str, Any]:
    told = [
        {"vantage": h.vantage, "prefix": h.prefix, "path": h.path, "sites": list(h.sites), "ways": h.ways}
        for h in found
    ]
    return {"catchment": {"heard": told, "silent": list(silent)}}


EVIDENCE = {"before": looked(BEFORE), "during": looked(MOVED, "as9"), "after": looked(BEFORE)}


def test_the_report_has_table_and_picture_and_leaves_them_out_of_the_evidence() -> None:
    run = history(reads={"asia": reads()}, evidence=EVIDENCE)
    found = report(run)
    text = page(found)
    assert "Who was caught where" in text and '<svg xmlns="http://www.w3.org/2000/svg" class="caught"' in text
    assert "hk → sg → hk for as1" in text and "catchment heard" not in text
    assert (picture(found) or "").startswith("<svg ")
    seen = of_run(one_run(run).figures)
    assert seen is not None and seen.moments == ("before", "before the repair", "after")
    assert (f"{V4}, {V6}, as2", "hk", "not heard", "hk") in caught(seen).lines


def test_a_drill_that_did_not_ask_has_none_of_it() -> None:
    found = report(history(reads={"asia": reads()}, evidence={"before": {"vip": {}}}))
    assert picture(found) is None and "caught where" not in page(found)


@pytest.mark.parametrize(
    ("drill", "aim", "asked"),
    [
        ("backend-kill", Aim("hk", ("hk-backend-1",), "", ""), False),
        ("site-power-cut", Aim("hk", ("hk-backend-1", "hk-router-1"), "", ""), True),
        ("transit-loss", Aim("hk", ("as64500",), "", ""), True),
        ("site-partition", Aim("hk", (), "", "", ("wan.hk.sg",)), True),
        ("hijack", Aim("hk", (), "", ""), True),
    ],
)
def test_it_is_asked_where_the_drill_is_about_routes(drill: str, aim: Aim, asked: bool) -> None:
    there = scene(vantages={"as64500": "bird"}, announced=[V4])
    play = Play(None, there, find(drill), {}, None, (1, 1), lambda _: None)  # type: ignore[arg-type]
    assert play._about_routes(aim) is asked


class Twin:
    """Each node answers with what its program says; `as2` runs FRR, `sg-router-1` has no power."""

    def popen(self, node: str, argv: Sequence[str], **popen_kw: Any) -> Any:
        if node == "sg-router-1":
            raise EnvironmentUnable("it has no power")
        bird = (
            "0001 BIRD 2.0.12 ready.\n1007-Table wan4:\n 203.0.113.0/24       unicast [up 01:43:20.101] * (100) [AS65010i]\n"
            f"1012-\tBGP.as_path: {'' if node == 'hk-router-1' else '65010'}\n0000 \n"
        )
        vtysh = (
            '{"prefix":"203.0.113.0/24","paths":[{"valid":true,"aspath":{"string":"64501 65020"},'
            '"bestpath":{"overall":true}},{"valid":true,"aspath":{"string":"65010"}}]}\n'
        )
        assert argv[0] in ("vtysh", "python3")
        text = vtysh if argv[0] == "vtysh" else bird
        return subprocess.Popen(
            ["printf", "%s", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )


def test_every_network_and_router_is_asked_and_who_is_silent_is_named() -> None:
    own = {"hk": 65010, "sg": 65020, "mid": 65030}
    sites = {name: {**site, "asn": own[name]} for name, site in facts()["sites"].items()}
    there = scene(sites=sites, vantages={"as1": "bird", "as2": "frr"}, announced=[V4])
    found = PROBES["catchment"](Twin(), there, "hk")  # type: ignore[arg-type]
    assert [(h["vantage"], h["sites"], h["path"], h["ways"]) for h in found["heard"]] == [
        ("as1", ("hk",), "65010", 1),
        ("as2", ("sg",), "64501 65020", 2),
        ("hk-router-1", ("hk",), "", 1),
        ("mid-router-1", ("hk",), "65010", 1),
    ]
    assert found["silent"] == ["sg-router-1"]
