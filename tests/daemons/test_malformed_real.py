"""A neighbour that says what RFC 7606 forbids, on the BIRD of both releases: of what is broken nothing is taken, the rest stays, and an
operator can see whose fault it is.
"""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.agent.test_control_sessions import Bird, nobody
from tests.daemons import raw_speaker
from tests.daemons.neighbours_kit import BEGIN, SAME, asker, each_platform, untouched
from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent.site.sessions import Sessions
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.bird import wire

pytestmark = pytest.mark.daemon
WITHDRAWN = "withdrawn"
# What the router makes of each case: the route is withdrawn; or taken without the broken part, then a word of what must not be there;
# or the session ends, then the code and subcode that it says (RFC 4271, 4.5).
MADE: dict[str, str | tuple[str, str] | list[int]] = {
    "origin of two octets": WITHDRAWN,
    "origin that does not exist": WITHDRAWN,
    "origin flagged optional": WITHDRAWN,
    "no origin": WITHDRAWN,
    "path segment longer than the attribute": WITHDRAWN,
    "path segment of no kind": WITHDRAWN,
    "path that begins with another AS": WITHDRAWN,
    "no path": WITHDRAWN,
    "next hop of five octets": WITHDRAWN,
    "next hop that is ours": WITHDRAWN,
    "no next hop": WITHDRAWN,
    "well-known attribute that nobody knows": WITHDRAWN,
    "communities of five octets": WITHDRAWN,
    "large communities of eleven octets": WITHDRAWN,
    "only to customers, of three octets": WITHDRAWN,
    "attribute longer than all attributes": WITHDRAWN,
    "aggregator of five octets": ("taken", "aggregator"),
    "atomic aggregate with a value": ("taken", "atomic"),
    "optional attribute that nobody knows": ("taken", "aggregator"),
    "local preference from outside": ("taken", "4294967295"),
    "the same attribute twice": ("taken", "Incomplete"),
    "prefix that ends early": [3, 1],
    "prefix of 33 bits": [3, 10],
    "attributes longer than the message": [3, 1],
    "withdrawn routes longer than the message": [3, 1],
    "two MP_REACH": [3, 1],
    "a marker that is none": [1, 1],
    "a message of 18 octets": [1, 2],
    "a message of 65535 octets": [1, 2],
    "a message of no kind": [1, 3],
}
SCRIPT = (
    BEGIN
    + SAME
    + r"""
there python3 /etc/test/speaker.py || echo "never: the speaker is done"
sed 's/^/LOG /' /run/bird.log
"""
    + SAME
)


@pytest.fixture(scope="module", params=each_platform())
def said(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    speaker = Artifact("/etc/test/speaker.py", Path(raw_speaker.__file__).read_text())
    return asker(request.param, tmp_path_factory.mktemp("malformed"))(SCRIPT, [speaker], seconds=150)


@pytest.fixture(scope="module")
def cases(said: list[str]) -> dict[str, dict[str, Any]]:
    return {case["case"]: case for case in (json.loads(line) for line in said if line.startswith("{"))}


def test_every_case_is_told() -> None:
    assert list(MADE) == list(raw_speaker.CASES)


@pytest.mark.parametrize("name", MADE)
def test_nothing_broken_is_taken(cases: dict[str, dict[str, Any]], name: str) -> None:
    case, made = cases[name], MADE[name]
    if isinstance(made, list):  # with the session go all of its routes
        assert (case["said"], case["victim"], case["steady"]) == (made, "", False)
        return
    assert case["said"] is None and case["steady"], "the session or a good route has gone"
    if made == WITHDRAWN:
        assert case["victim"] == ""
    else:
        assert "BGP.local_pref: 400" in case["victim"] and made[1] not in case["victim"], case["victim"]


def test_the_session_comes_back_and_the_others_have_seen_nothing(said: list[str]) -> None:
    untouched(said)
    assert any(line.startswith('{"case": "end"') for line in said)


def test_bird_says_of_every_case_whose_fault_it_is(said: list[str]) -> None:
    log = [line for line in said if line.startswith("LOG ") and "<RMT> up_isp4: " in line]
    withdrawn = [line for line in log if f"Invalid route {raw_speaker.VICTIM} withdrawn" in line]
    ended = [line for line in log if "up_isp4: Error: " in line]
    assert len(withdrawn) == sum(made == WITHDRAWN for made in MADE.values())
    assert len(ended) == sum(isinstance(made, list) for made in MADE.values())


def test_the_agent_counts_every_end(cases: dict[str, dict[str, Any]]) -> None:
    """What BIRD's socket said before and after each case, as the agent reads it."""
    metrics, bird = Metrics(), Bird()
    sessions = Sessions(bird, Log(io.StringIO()), metrics, nobody)
    ends = 0
    for name, case in cases.items():
        for key in ("before", "protocols"):
            if key not in case:
                continue
            (reply,) = wire.Replies().feed("".join(f"{line}\n" for line in case[key]).encode())
            bird.states = tuple(wire.protocols(reply).values())
            asyncio.run(sessions.reconcile(frozenset()))
        ends += isinstance(MADE.get(name), list)
        assert metrics.sessions.flaps.labels("up_isp4")._value.get() == ends, name
    assert ends == 9 and metrics.sessions.flaps.labels("up_other4")._value.get() == 0
