"""What the arbiter and the observers did, judged with planted failures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from drills_kit import history, reads
from drills_report_kit import PROMISED
from test_drills_conduct import judged

from trimtab.drills.checkers import CHECKERS
from trimtab.drills.checkers.outage import PausesWithin
from trimtab.drills.result import run_result
from trimtab.drills.scenario_file import find
from trimtab.drills.verdict import Claims
from trimtab.ops.arbiter.world import AUTOMATIC

Seen = dict[str, Any]
SERVES: Seen = {
    "verdict": "serving",
    "step": "serve",
    "word": "serves as the estate says",
    "reasons": [],
    "drained": None,
    "under_way": None,
}
BLIND: Seen = {**SERVES, "reasons": ["sg: https: no answer within 1 s since 2026-01-22T05:02:41Z"]}
DARK: Seen = {
    **SERVES,
    "verdict": "unreachable",
    "reasons": ["hk: https: no answer within 1 s", "sg: unreachable", "la: unreachable"],
}
UNKNOWN: Seen = {
    **SERVES,
    "verdict": "unknown",
    "reasons": ["of 3, 1 say that it serves, 0 that it does not: it takes 2"],
}
AWAY: Seen = {**SERVES, "step": "withdraw", "word": "drained by root@sg", "drained": {"by": "root@sg"}}
BY_AGENTS: Seen = {
    **DARK,
    "step": "withdraw",
    "word": "drained by trimtab at 14:02:18: unhealthy by 3 of 3 vantage points",
    "drained": {"by": AUTOMATIC},
}


def look(row: Seen | None, **steps: str) -> Seen:
    if row is None:
        return {"asked": None, "site": None, "steps": {}}
    return {"asked": "sg-registry-1", "site": row, "steps": {"hk": row["step"], "sg": "serve", **steps}}


WELL = look(SERVES)
ONE: Seen = {"vantage": ["sg"]}


@pytest.mark.parametrize(
    ("wanted", "looks", "told", "value", "says"),
    [
        ("stays-serving", (WELL, look(BLIND), WELL), ONE, "true", ""),
        ("stays-serving", (WELL, WELL, WELL), ONE, "unknown", "nobody of sg was seen to say"),
        ("stays-serving", (WELL, look(BLIND), WELL), {"vantage": ["la"]}, "unknown", "nobody of la"),
        ("stays-serving", (WELL, look(BLIND), WELL), {}, "unknown", "nobody of the others"),
        ("stays-serving", (WELL, look(DARK), WELL), ONE, "false", "during the fault the verdict is unreachable"),
        ("stays-serving", (WELL, look(UNKNOWN), WELL), ONE, "false", "during the fault the verdict is unknown"),
        ("stays-serving", (WELL, look(BLIND), look(DARK)), ONE, "false", "after the fault the verdict is unreachable"),
        ("stays-serving", (look(UNKNOWN), look(BLIND), WELL), ONE, "unknown", "not known to serve before"),
        ("stays-serving", (WELL, look({**BLIND, "step": "prefer"}), WELL), ONE, "false", "the step of hk is prefer"),
        ("stays-serving", (WELL, look(BLIND, sg="withdraw"), WELL), ONE, "false", "the step of sg is withdraw"),
        ("stays-serving", (WELL, look(None), WELL), ONE, "unknown", "nobody said how the site stood during"),
        ("stays-serving", (WELL, look(BLIND), look(None)), ONE, "unknown", "nobody said how the site stood after"),
        ("not-taken", (WELL, look(DARK), WELL), {}, "true", ""),
        ("not-taken", (WELL, look({**DARK, "verdict": "unhealthy"}), WELL), {}, "true", ""),
        ("not-taken", (WELL, WELL, WELL), {}, "unknown", "no quorum said"),
        ("not-taken", (WELL, look(UNKNOWN), WELL), {}, "unknown", "no quorum said"),
        ("not-taken", (WELL, look({**DARK, "step": "withdraw"}), WELL), {}, "false", "the step of hk is withdraw"),
        ("not-taken", (WELL, look(DARK), look(DARK)), {}, "false", "after the fault the verdict is unreachable"),
        ("taken", (WELL, look(BY_AGENTS), WELL), {}, "true", ""),
        ("taken", (WELL, look(AWAY), WELL), {}, "false", "not drained by agents: drained by root@sg"),
        ("taken", (WELL, look(DARK), WELL), {}, "false", "agents have not drained it: its step is serve, the verdict unreachable"),
        ("taken", (WELL, look({**BY_AGENTS, "step": "prefer"}), WELL), {}, "false", "its step is prefer"),
        ("taken", (WELL, look(BY_AGENTS, sg="withdraw"), WELL), {}, "false", "more than one site was taken away: hk, sg"),
        ("taken", (WELL, look(BY_AGENTS), look(BY_AGENTS)), {}, "false", "after the fault the step of hk is withdraw"),
        ("taken", (WELL, look(None), WELL), {}, "unknown", "nobody said how the site stood during"),
        ("taken", (look(DARK), look(BY_AGENTS), WELL), {}, "unknown", "not known to serve before"),
    ],
)  # fmt: skip
def test_a_site_is_not_taken_away_by_what_its_observers_say(
    wanted: str, looks: tuple[Seen, Seen, Seen], told: Seen, value: str, says: str
) -> None:
    verdict = judged("site", wanted, "arbiter", looks, told)
    assert verdict.value == value, verdict.reasons
    assert says in " ".join(verdict.reasons)


# A drain.

GONE = look(AWAY)
DONE: Seen = {"done": True, "why": "hk is drained", "steps": []}


def answered(code: int | None = 1, rules: tuple[str, ...] = (), **other: Any) -> Seen:
    return {"host": "sg-registry-1", "exit": code, "rules": list(rules), "moves": [], "said": "so", **other}


def frozen(*rules: str, **other: Any) -> Seen:
    return {"drain": answered(rules=rules, expected="frozen", **other)}


GRANTED: Seen = answered(0, site="hk", done=True, moves=["prefer", "waits", "withdraw", "commits", "done"])
REFUSED: Seen = answered(1, ("under-way",), site="sg", done=False)
LEFT: Seen = {"hk": {"198.18.1.0/24": {"hkix": "", "transit": ""}}}


def two(*drains: Seen, routes: Seen = LEFT) -> Seen:
    return {"drains": list(drains), "routes": routes}


def case(
    came_to: str, who: str = "the command", told: tuple[str, ...] = ("prefer", "waits"), **other: Any
) -> Seen:
    usual = {
        "who": who,
        "victim": "it",
        "step": "prefer",
        "told": list(told),
        "came_to": came_to,
        "seconds": 6.2,
    }
    return {**usual, **other}


def whole(*cases: Seen) -> Seen:
    return {"cases": list(cases)}


AGENT, LEADER = "a router's agent", "the store's leader"
COMMITTING = ("prefer", "waits", "withdraw", "commits")


@pytest.mark.parametrize(
    ("wanted", "told", "value", "says"),
    [
        ("done", DONE, "true", ""),
        ("done", {"done": False, "why": "hk-router-1 has not answered"}, "false", "hk-router-1 has not answered"),
        ("done", {}, "false", "nobody asked for it"),
        ("refused", frozen("frozen"), "true", ""),
        ("refused", frozen("budget-spent", "frozen"), "true", ""),
        ("refused", frozen("budget-spent"), "false", "without the rule frozen"),
        ("refused", frozen("frozen", moves=["prefer"]), "false", "refused after it had begun: prefer"),
        ("refused", {"drain": answered(0)}, "false", "was granted what should have been refused"),
        ("refused", {"drain": answered(3)}, "true", ""),
        ("refused", {"drain": answered(None)}, "false", "got no answer"),
        ("refused", {"drain": answered(2)}, "unknown", "the command ended with 2"),
        ("refused", {"drain": answered(-9)}, "unknown", "the command ended with -9"),
        ("refused", {}, "unknown", "nobody asked for a drain"),
        ("one-of-two", two(GRANTED, REFUSED), "true", ""),
        ("one-of-two", two(REFUSED, GRANTED), "true", ""),
        ("one-of-two", two(GRANTED, {**REFUSED, "done": True}), "false", "2 of two drains at once were granted"),
        ("one-of-two", two({**GRANTED, "done": False}, REFUSED), "false", "0 of two drains at once were granted"),
        ("one-of-two", two(GRANTED, {**REFUSED, "rules": []}), "false", "not told by which rule"),
        ("one-of-two", two(GRANTED, {**REFUSED, "moves": ["prefer"]}), "false", "refused after it had begun"),
        ("one-of-two", two(GRANTED, {**REFUSED, "exit": None}), "false", "got no answer"),
        ("one-of-two", two(GRANTED, REFUSED, routes={"hk": {"198.18.1.0/24": {"hkix": "10:00:00.000"}}}), "false", "hkix still hears"),
        ("one-of-two", two(GRANTED, REFUSED, routes={"hk": {"198.18.1.0/24": {"hkix": None}}}), "unknown", "gave no answer"),
        ("one-of-two", two(GRANTED, REFUSED, routes={}), "unknown", "no upstream was asked"),
        ("one-of-two", two(GRANTED), "unknown", "1 drains were asked for"),
        ("whole", whole(case("undone"), case("undone"), case("done", AGENT), case("undone", AGENT)), "true", ""),
        ("whole", whole(case("done", LEADER)), "true", ""),
        ("whole", whole(case("done")), "false", "done without the command that had it in hand"),
        ("whole", whole(case("done", told=COMMITTING)), "true", ""),  # whether it was written before the kill is chance
        ("whole", whole(case("undone"), case("neither", AGENT)), "false", "neither done nor undone"),
        ("whole", whole(case("undone", whole=False)), "false", "was not whole again"),
        ("whole", {}, "unknown", "no drain was disturbed"),
    ],
)  # fmt: skip
def test_a_drain_is_done_or_was_never_asked_for(wanted: str, told: Seen, value: str, says: str) -> None:
    verdict = judged("drain", wanted, "arbiter", (WELL, GONE if wanted == "done" else WELL, WELL), told)
    assert verdict.value == value, verdict.reasons
    assert says in " ".join(verdict.reasons)


@pytest.mark.parametrize(
    ("during", "after", "value", "says"),
    [
        (WELL, WELL, "false", "while it was drained its step is serve"),
        (look(None), WELL, "unknown", "while it was drained"),
        (GONE, GONE, "false", "after the fault the step of hk is withdraw"),
        (GONE, look(SERVES, sg="prefer"), "false", "after the fault the step of sg is prefer"),
        (GONE, look(DARK), "false", "at the end the site is unreachable"),
        (GONE, look(UNKNOWN), "unknown", "whether the site serves at the end is not known"),
        (GONE, look(None), "unknown", "how the site stood after the fault"),
    ],
)
def test_a_drained_site_is_away_and_comes_back(during: Seen, after: Seen, value: str, says: str) -> None:
    verdict = judged("drain", "done", "arbiter", (WELL, during, after), DONE)
    assert verdict.value == value, verdict.reasons
    assert says in " ".join(verdict.reasons)


def test_who_was_refused_need_not_serve_yet() -> None:
    """The site whose power was cut is announced at once, and known to serve a little later."""
    assert (
        judged("drain", "refused", "arbiter", (WELL, look(DARK), look(DARK)), frozen("frozen")).value
        == "true"
    )


# Stretches of failing reads, where addresses move several times.

PAUSES = Claims(pauses_s=1.0)


@pytest.mark.parametrize(
    ("failing", "value", "says"),
    [
        ((), "true", ""),
        (((3.0, 3.4), (4.6, 4.9)), "true", ""),  # long after the first move, and short
        (((0.0, 0.2), (2.0, 3.5)), "false", "could not read for 1.50 s at a time"),
        (((3.0, 20.0),), "false", "did not recover"),
    ],
)
def test_each_stretch_counts_by_itself(
    failing: tuple[tuple[float, float], ...], value: str, says: str
) -> None:
    rows = reads(lambda at: any(since <= at <= until for since, until in failing))
    verdict = PausesWithin().check(history(reads={"asia": rows, "america": reads()}), PAUSES)
    assert verdict.value == value, verdict.reasons
    assert says in " ".join(verdict.reasons)


def test_what_was_under_way_at_the_first_move_counts() -> None:
    verdict = PausesWithin().check(history(reads={"asia": reads(lambda at: at == -0.02)}), PAUSES)
    assert verdict.figures["regions"]["asia"] == {"longest_s": 0.0, "stretches": 1}


def test_nobody_who_reads_is_no_evidence() -> None:
    assert PausesWithin().check(history(reads={}), PAUSES).value == "unknown"


def test_the_outage_of_such_a_drill_is_its_longest_stretch() -> None:
    claims = find("drain-killed").limits(PROMISED)
    assert (claims.pauses_s, claims.reads_s) == (1.0, None)
    found = history(reads={"asia": reads(lambda at: 3.0 <= at <= 3.4)})
    pauses = next(checker for checker in CHECKERS if checker.name == "pauses")
    assert run_result(found, [], {}, Path("/records")).figures["outage_s"] == pytest.approx(3.4)
    told = run_result(found, [pauses.check(found, claims)], {}, Path("/records"))
    assert told.figures["outage_s"] == told.figures["regions"]["asia"]["outage_s"] == pytest.approx(0.4)
