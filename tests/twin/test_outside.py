"""A daemon that another package brings, in a twin: started, asked whether it is up, looked after by the agent, drilled."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.daemons.outside_kit import GREETS, OUTSIDE, run

pytestmark = [pytest.mark.twin, pytest.mark.alone]
PROMISES = "objectives: {rto: 5s, write: {rto: 5s}}\n"


@pytest.mark.timeout(240)
def test_it_is_started_asked_and_begun_anew_when_it_hangs(tmp_path: Path) -> None:
    estate, name = tmp_path / "estate.yaml", f"t-outside-{os.getpid()}"
    estate.write_text(GREETS + PROMISES + "tiers: {greeter: {words: good day}}\n")
    up = run(estate, "lab", "up", "--name", name)
    try:
        assert up.returncode == 0, up.stderr
        ask = ("socat", "-t1", "-u", "TCP:127.0.0.1:7007", "-")

        def said(*words: str) -> str:
            return run(estate, "lab", "exec", "--name", name, "one-greeter-1", "--", *words).stdout.strip()

        assert said(*ask) == "good day"
        before = said("pgrep", "-xo", "socat")
        scenario = str(OUTSIDE / "greeter/greeter-hang.yaml")
        drill = run(estate, "drill", "run", scenario, "--name", name, "--json")
        assert drill.returncode == 0, drill.stderr + drill.stdout
        (result,) = json.loads(drill.stdout)
        assert result["verdict"] == "true"
        assert said(*ask) == "good day" and said("pgrep", "-xo", "socat") not in (before, "")
        estate.write_text(estate.read_text().replace("good day", "good night"))
        told = run(estate, "lab", "deliver", "one-greeter-1", "--name", name)
        assert told.returncode == 0, told.stderr
        assert said(*ask) == "good night"
    finally:
        run(estate, "lab", "down", "--name", name)
