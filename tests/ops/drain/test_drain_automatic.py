"""A site that answers badly is drained by the agents, by the same rules, and brought back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.agent.control_kit import run, until
from tests.ops.drain.estate_kit import ILL, OK, SITES, Estate

from trimtab.errors import Denied
from trimtab.ops.arbiter.decide import Answer, Objection
from trimtab.ops.arbiter.effect import Effect
from trimtab.ops.arbiter.ledger import Decision, Said
from trimtab.ops.arbiter.records import decode
from trimtab.ops.arbiter.world import AUTOMATIC, Freeze
from trimtab.ops.drain.automatic import (
    LONGEST_S,
    Patience,
    Pauses,
    Wanted,
    is_turn,
    request_of,
    wanted,
    was_said,
)
from trimtab.ops.drain.standing import Standing
from trimtab.ops.drain.writes import freeze
from trimtab.ops.health.verdict import SiteVerdict, View
from trimtab.ops.steering.wish import Committed, Doing
from trimtab.registry.base import Write

NOW = 1_800_000_000.0
PATIENCE = Patience(10.0, 60.0)


def verdict(word: str, since: float, site: str = "hk") -> dict[str, SiteVerdict]:
    return {site: SiteVerdict(site, word, 3, 3, NOW - since, ("la: https 503 since then",))}  # type: ignore[arg-type]


def standing(by: str = "", doing: bool = False, site: str = "hk") -> Standing:
    committed = {site: Committed(site, "withdraw", by, "", NOW - 500, "p0")} if by else {}
    steps = {site: Doing(site, "prefer", "p1", 7, 5.0)} if doing else {}
    return Standing(9, committed=committed, doing=steps)


WHY = "unhealthy by 3 of 3 vantage points: la: https 503 since then"
CASES = {
    "unhealthy for long": (verdict("unhealthy", 10), standing(), Wanted("hk", "out", WHY)),
    "unhealthy for a moment": (verdict("unhealthy", 9.9), standing(), None),
    "unreachable": (verdict("unreachable", 100), standing(), None),
    "unknown": (verdict("unknown", 100), standing(), None),
    "well": (verdict("serving", 100), standing(), None),
    "unhealthy, and on its way": (verdict("unhealthy", 100), standing(doing=True), None),
    "unhealthy, and drained by somebody": (verdict("unhealthy", 100), standing("ann"), None),
    "drained by us, and unhealthy": (verdict("unhealthy", 100), standing(AUTOMATIC), None),
    "drained by us, and well": (
        verdict("serving", 60),
        standing(AUTOMATIC),
        Wanted("hk", "back", "it has been well for 60 s"),
    ),
    "drained by us, and well for a moment": (verdict("serving", 59), standing(AUTOMATIC), None),
    "drained by us, and on its way back": (verdict("serving", 600), standing(AUTOMATIC, doing=True), None),
    "drained by a person, and well": (verdict("serving", 6000), standing("ann"), None),
    "whoever comes back is first": (
        verdict("unhealthy", 100) | verdict("serving", 100, "sg"),
        standing(AUTOMATIC, site="sg"),
        Wanted("sg", "back", "it has been well for 60 s"),
    ),
}


@pytest.mark.parametrize(("verdicts", "stands", "expected"), CASES.values(), ids=CASES)
def test_what_is_asked(verdicts: dict[str, SiteVerdict], stands: Standing, expected: Wanted | None) -> None:
    assert wanted(verdicts, stands, PATIENCE, NOW, verdicts) == expected


def test_whom_nobody_reaches_says_himself_that_he_is_well() -> None:
    """A site that is not announced is unreachable to all others."""
    seen, own = verdict("unreachable", 600), verdict("serving", 60)
    assert wanted(seen, standing(AUTOMATIC), PATIENCE, NOW, own) == Wanted(
        "hk", "back", "it has been well for 60 s"
    )
    assert wanted(seen, standing(AUTOMATIC), PATIENCE, NOW, {}) is None


def test_one_host_asks_and_never_one_of_the_site_itself() -> None:
    views = [View("hk", "hk-registry-1", {}, NOW), View("sg", "sg-registry-1", {}, NOW)]
    views.append(View("la", "la-registry-1", {}, NOW - 100))
    asked = {
        host
        for host in ("hk-registry-1", "la-registry-1", "sg-registry-1")
        if is_turn("hk", host, views, NOW, 45)
    }
    assert asked == {"sg-registry-1"}, "la is not heard of, and hk is the site itself"
    assert not is_turn("hk", "hk-registry-1", views[:1], NOW, 45), "nobody is left to ask"


def test_the_same_refusal_is_one_row() -> None:
    request = request_of(Wanted("hk", "out", WHY))
    nobody = Effect((), (), None, None)
    answer = Answer(False, nobody, (Objection("one-cause", "sg is unhealthy", "a person may"),))
    row = Decision(4, NOW, request, False, (Said("one-cause", "sg is unreachable"),))
    assert was_said([row], request, answer)
    assert not was_said([], request, answer)
    assert not was_said([replace(row, objections=(Said("frozen", "by ann"),))], request, answer)
    assert not was_said([replace(row, request=replace(request, site="sg"))], request, answer)
    assert not was_said([replace(row, request=replace(request, automatic=False))], request, answer)
    assert not was_said([row, replace(row, number=5, granted=True)], request, answer)


def test_what_came_to_nothing_is_left_alone_for_longer_each_time() -> None:
    pauses, now, spans = Pauses(), 0.0, []
    for _ in range(5):
        pauses, began = pauses.failed("hk", "out", 60.0, now), now
        while pauses.holds("hk", "out", now):
            now += 30.0
        spans.append(now - began)
    assert spans == [60.0, 240.0, 960.0, LONGEST_S, LONGEST_S]
    assert not pauses.holds("hk", "back", now - 1.0) and not pauses.holds("sg", "out", now - 1.0)
    assert pauses.done("hk", "out") == Pauses()
    assert pauses.still((), now + LONGEST_S) == pauses and pauses.still((), now + LONGEST_S + 1) == Pauses()
    back = Pauses().failed("hk", "back", 60.0, 0.0)
    assert back.still(("hk",), 1.0) == back and back.still(("sg",), 1.0) == Pauses(), (
        "somebody else has brought it back"
    )


def test_one_that_is_left_alone_keeps_nobody_waiting() -> None:
    seen = {**verdict("unhealthy", 100), **verdict("unhealthy", 50, "sg")}
    found = wanted(seen, standing(), PATIENCE, NOW, {}, lambda site, way: site == "hk")
    assert found is not None and found.site == "sg"


# ---- in an estate


def play(folder: Path, act: Callable[[Estate], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with Estate(folder, automatic=True) as estate:
            await act(estate)

    run(whole())


def rows(estate: Estate) -> list[Decision]:
    found = [decode(key, estate.store.records[key]) for key in estate.kept("decision")]
    return [each for each in found if isinstance(each, Decision)]


def test_a_site_that_answers_badly_leaves_and_comes_back(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        estate.internet.fronts["hk"] = ILL
        await until(lambda: estate.kept("steer") == ["steer/hk"], 60)
        assert estate.said("hk") == "nothing"
        assert [(each.granted, each.request.by, each.request.automatic) for each in rows(estate)] == [
            (True, AUTOMATIC, True),
            (True, AUTOMATIC, True),
        ]
        estate.internet.fronts["hk"] = OK
        await until(lambda: estate.said("hk") == "plain" and not estate.kept("steer"), 60)
        await asyncio.sleep(30)
        assert [each.request.kind for each in rows(estate)] == [
            "drain-site",
            "drain-site-done",
            "undrain-site-begun",
            "undrain-site",
        ]
        assert estate.said("hk") == "plain" and rows(estate)[-1].request.by == AUTOMATIC

    play(tmp_path, act)


def test_what_is_ill_everywhere_takes_nobody_away_and_is_said_once(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        estate.internet.fronts.update(dict.fromkeys(SITES, ILL))
        await until(lambda: len(rows(estate)) > 0, 60)
        await asyncio.sleep(60)
        found = rows(estate)
        assert (
            not any(each.granted for each in found) and [estate.said(site) for site in SITES] == ["plain"] * 3
        )
        assert all("one-cause" in [said.rule for said in each.objections] for each in found)
        assert len(found) <= len(SITES), "a refusal that says nothing new is no row"

    play(tmp_path, act)


def test_a_site_that_nobody_else_reaches_is_not_announced_again_and_again(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        estate.internet.fronts["hk"] = ILL
        await until(lambda: estate.kept("steer") == ["steer/hk"], 60)
        estate.internet.blind = {"la", "sg"}
        estate.internet.fronts["hk"] = OK
        announced = 0
        for _ in range(300):
            await asyncio.sleep(1)
            announced += estate.said("hk") != "nothing"
        assert 0 < announced < 120, "it is tried, and less often each time"

    play(tmp_path, act)


def test_a_router_that_does_not_follow_costs_no_budget(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        await estate.agents["hk"].end()
        estate.internet.fronts["hk"] = ILL
        await asyncio.sleep(300)
        granted = [each for each in rows(estate) if each.granted]
        undone = [each for each in rows(estate) if each.outcome == "undone"]
        assert len(granted) - len(undone) in (0, 1), "the last one may be under way"
        assert "hk-router-1 has not answered" in undone[0].objections[0].text
        assert 0 < len(granted) <= 4 and not estate.kept("steer"), [each.at for each in granted]

    play(tmp_path, act)


def test_what_agents_have_drained_a_person_may_take_over(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        estate.internet.fronts["hk"] = ILL
        await until(lambda: estate.kept("steer") == ["steer/hk"], 60)
        finished = await estate.drain("hk")
        assert finished.done and "now it is yours to bring back" in finished.why
        assert estate.moves[-1] == finished, "it is told"
        with pytest.raises(Denied):  # as agents do who had wanted to a moment before
            await estate.coordinator().undrain("hk", AUTOMATIC, "it has been well", AUTOMATIC)
        assert [each.request.by for each in rows(estate)] == [AUTOMATIC, AUTOMATIC, "ann"]
        estate.internet.fronts["hk"] = OK
        await asyncio.sleep(60)
        assert estate.kept("steer") == ["steer/hk"] and estate.said("hk") == "nothing"
        with pytest.raises(Denied, match="is drained already"):
            await estate.drain("hk")
        assert (await estate.undrain("hk")).done and estate.said("hk") == "plain"

    play(tmp_path, act)


def test_a_frozen_estate_stays_as_it_is(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        found = await estate.store.read()
        await estate.store.write(freeze(found, Freeze("ann", "the big sale", 1.0)))
        estate.internet.fronts["hk"] = ILL
        await until(lambda: len(rows(estate)) > 1, 60)
        await asyncio.sleep(30)
        assert [each.request.kind for each in rows(estate)] == ["freeze", "drain-site"]
        assert [said.rule for each in rows(estate) for said in each.objections] == ["frozen"]
        assert estate.said("hk") == "plain"

    play(tmp_path, act)


def test_nothing_is_asked_while_the_store_is_away(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        estate.store.down = True
        estate.internet.fronts["hk"] = ILL
        await asyncio.sleep(60)
        assert estate.said("hk") == "plain" and not estate.kept("steer")

    play(tmp_path, act)


def test_what_cannot_be_read_is_said_once_and_nothing_is_decided(tmp_path: Path) -> None:
    async def act(estate: Estate) -> None:
        await estate.store.write(Write(put={"gate": b"{"}))
        estate.internet.fronts["hk"] = ILL
        await asyncio.sleep(60)
        pilots = [
            loop for agent in estate.agents.values() for loop in agent.loops if loop.name == "autopilot"
        ]
        said = [loop.failing()["sites"] for loop in pilots]
        assert len(said) == 3 and all("nothing is decided: the estate store: gate" in each for each in said)
        assert estate.said("hk") == "plain"
        estate.store.drop("gate")
        await until(lambda: not any(loop.failing() for loop in pilots), 60)

    play(tmp_path, act)
