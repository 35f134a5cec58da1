"""Hijacks, sessions and validators: what routers said is read, and each planted failure is found."""

from __future__ import annotations

from typing import Any

import pytest

from trimtab.drills.checkers.defence import HijackConduct, SessionsConduct, ValidatorsConduct
from trimtab.drills.history import Events, Expected, History
from trimtab.drills.probes.defence import metrics, refused, routes, sessions
from trimtab.drills.verdict import Claims, Verdict

FILTERED = """\
BIRD 2.0.12 ready.
bird> Table wan4:
99.0.0.0/24          unicast [up_hkix4 21:32:52.049] * (100) [AS64500i]
\tvia 198.51.100.1 on up0
\tBGP.large_community: (65010, 2, 6)
198.18.1.128/25      unicast [up_hkix4 21:32:52.049] * (100) [AS64500i]
\tBGP.large_community: (65010, 2, 3)
10.0.0.0/8           unicast [up_hkix4 21:32:52.049] * (100) [AS64500i]
\tBGP.large_community: (64500, 9, 9)
"""
PROTOCOLS = """\
Name       Proto      Table      State  Since         Info
validator_1 RPKI       ---        up     21:28:09.438  Established
up_hkix4   BGP        ---        up     21:28:09.699  Established
up_hkix6   BGP        ---        start  21:28:09.699  Active
site_sg4   BGP        ---        up     21:28:09.699  Established
"""
METRICS = """\
# HELP trimtab_rpki_roas ROAs that count now
trimtab_rpki_validator_up{validator="validator_1"} 1.0
trimtab_rpki_roas{family="roa4",validator="validator_1"} 11.0
trimtab_rpki_roas{family="roa6",validator="validator_1"} 9.0
"""


def test_what_birdc_and_the_agent_say_is_read() -> None:
    assert refused(FILTERED, 2) == {"99.0.0.0/24": 6, "198.18.1.128/25": 3, "10.0.0.0/8": 0}
    assert routes(FILTERED)[0] == ("99.0.0.0/24", "up_hkix4")
    assert sessions(PROTOCOLS) == {"up_hkix4": "21:28:09.699", "up_hkix6": ""}
    assert metrics(METRICS) == {"validator_1": {"up": 1.0, "roas": 20.0}}


def look(**changed: Any) -> dict[str, Any]:
    well = {
        "refused": {},
        "taken": ["0.0.0.0/0"],
        "sessions": {"up_hkix4": "21:28:09.699"},
        "validators": {"validator_1": {"up": 1.0, "roas": 20.0}},
    }
    return {"hk-router-1": {**well, **changed}}


def judge(checker: Any, word: str, before: Any, during: Any, after: Any, told: Any = ()) -> Verdict:
    evidence = {
        when: {"defence": seen} for when, seen in (("before", before), ("during", during), ("after", after))
    }
    history = History(
        "hk",
        Events(0, 1, 2, 3, 4),
        Expected(1, 1),
        {},
        evidence={**evidence, "told": {"prefixes": list(told)}},
    )
    return checker.check(history, Claims(conduct={checker.name: word}))  # type: ignore[no-any-return]


BAD = ("99.0.0.0/24", "198.18.1.128/25")
BOTH = {"99.0.0.0/24": 6, "198.18.1.128/25": 3}


@pytest.mark.parametrize(
    ("during", "after", "value", "words"),
    [
        (look(refused=BOTH), look(), "true", ""),
        (look(refused={**BOTH, "10.0.0.0/8": 4}), look(), "true", ""),
        (look(refused={"99.0.0.0/24": 6}), look(), "unknown", "told of 198.18.1.128/25"),
        (look(refused=BOTH, taken=[BAD[0]]), look(), "false", "99.0.0.0/24 was taken"),
        (look(refused={**BOTH, "99.0.0.0/24": 4}), look(), "false", "another reason"),
        (look(refused={**BOTH, "99.0.0.0/24": 0}), look(), "false", "another reason"),
        (look(refused=BOTH), look(refused=BOTH), "false", "without anybody"),
        ({"hk-router-1": None}, look(), "unknown", "gave no answer"),
    ],
)
def test_a_hijack_that_is_not_refused_for_its_reason_is_found(
    during: Any, after: Any, value: str, words: str
) -> None:
    found = judge(HijackConduct(), "refused", look(), during, after, BAD)
    assert found.value == value and words in " ".join(found.reasons)


def test_a_hijack_of_nothing_is_unknown() -> None:
    assert judge(HijackConduct(), "refused", look(), look(), look()).value == "unknown"


@pytest.mark.parametrize(
    ("during", "value"),
    [
        (look(sessions={"up_hkix4": "21:28:09.702"}), "true"),
        (look(sessions={"up_hkix4": ""}), "false"),
        (look(sessions={"up_hkix4": "21:29:00.000"}), "false"),
        (look(sessions={}), "false"),
        ({"hk-router-1": None}, "unknown"),
    ],
)
def test_a_session_that_went_down_is_found(during: Any, value: str) -> None:
    assert judge(SessionsConduct(), "stay", look(), during, look()).value == value


GONE, EMPTY = {"validator_1": {"up": 0.0, "roas": 20.0}}, {"validator_1": {"up": 1.0, "roas": 0.0}}


@pytest.mark.parametrize(
    ("during", "after", "value"),
    [
        (look(validators=GONE), look(), "true"),
        (look(validators=EMPTY), look(), "true"),
        (look(), look(), "false"),
        (look(validators=EMPTY), look(validators=EMPTY), "false"),
        (look(validators=EMPTY), {"hk-router-1": None}, "unknown"),
    ],
)
def test_an_agent_that_does_not_tell_of_its_validators_is_found(during: Any, after: Any, value: str) -> None:
    assert judge(ValidatorsConduct(), "told", look(), during, after).value == value
