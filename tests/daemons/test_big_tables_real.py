"""A hundred thousand routes of one upstream, on the BIRD of both releases: within the limit nobody notices, beyond it that session alone
is shut; and what the agent's questions cost before and after. Figures go to the test's output (`pytest -rP`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.daemons import raw_table
from tests.daemons.neighbours_kit import BEGIN, SAME, asker, each_platform, untouched
from trimtab.agent.site.sessions import over_limit
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.bird import wire

pytestmark = [pytest.mark.daemon, pytest.mark.full, pytest.mark.alone, pytest.mark.timeout(400)]
ROUTES = raw_table.ROUTES
LIMIT = ("import limit 1500000", "import limit 50000")
SCRIPT = (
    BEGIN
    + SAME
    + 'there env PYTHONPATH=/etc/test python3 -B -m tests.daemons.raw_table || echo "never: the table is told"\n'
    + SAME
)
Told = Callable[..., tuple[list[str], dict[str, Any]]]


@pytest.fixture(params=each_platform())
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Told:
    tests = Path(raw_table.__file__).parent
    files = [
        Artifact(f"/etc/test/tests/daemons/{name}", (tests / name).read_text())
        for name in ("raw_table.py", "raw_speaker.py")
    ]

    def run(change: tuple[str, str] = ("", "")) -> tuple[list[str], dict[str, Any]]:
        said = asker(request.param, tmp_path)(SCRIPT, files, change, seconds=300, bfd_ms=100)
        (figures,) = [json.loads(line) for line in said if line.startswith("{")]
        print(request.param, {k: v for k, v in figures.items() if k != "protocols"})
        return said, figures

    return run


def test_within_the_limit_nobody_notices(told: Told) -> None:
    said, figures = told()
    untouched(said)
    assert figures["routes"] == ROUTES and figures["ended"] is None
    assert figures["in_table_s"] < 60
    assert figures["asked_after"]["bird_ms"] < 500, "what the agent asks every 5 s"


def test_beyond_it_that_session_is_shut_and_stays_so(told: Told) -> None:
    said, figures = told(LIMIT)
    untouched(said)
    assert figures["ended"] == [6, 1], "Cease, Maximum Number of Prefixes Reached (RFC 4486)"
    assert figures["routes"] == 0
    for states in figures["protocols"]:
        (reply,) = wire.Replies().feed("".join(f"{line}\n" for line in states).encode())
        assert over_limit(wire.protocols(reply)) == {"up_isp4"}
    assert figures["refused"] >= 5, "it was knocked at, for longer than any retry of BIRD takes"
