"""The agents' clocks jump, with a real etcd and a real HAProxy: nothing that is served depends on what time it is.

libfaketime gives a process another wall clock, which is set here while it runs; its monotonic clock goes on, as it does on
a machine whose time is put right.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from test_control_real import Client, Stage, eventually
from tests.agent.control_kit import paths

from trimtab.registry.record import Override

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(90)]

DAY_S = 86_400


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    found = Stage(tmp_path)
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def jump(stage: Stage) -> Callable[[int], None]:
    """Starts everything; then sets the clock of all agents so many seconds off."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    clock = stage.folder / "clock"

    def to(seconds: int) -> None:
        new = clock.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(clock)

    to(0)
    stage.up(
        LD_PRELOAD=str(library), FAKETIME_TIMESTAMP_FILE=str(clock), FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )  # fmt: skip
    return to


def logged(stage: Stage, host: str) -> float:
    """The time of the last line that the agent has logged, seconds since 1970."""
    line = (stage.folder / f"{host}.log").read_text().splitlines()[-1]
    return datetime.fromisoformat(json.loads(line)["time"]).timestamp()


def is_off(stage: Stage, host: str, seconds: int) -> bool:
    return abs(logged(stage, host) - time.time() - seconds) < 60


@pytest.mark.parametrize("off", [DAY_S, -DAY_S], ids=["ahead", "back"])
def test_a_clock_that_jumps_costs_no_request_and_no_member(
    stage: Stage, jump: Callable[[int], None], off: int
) -> None:
    client = Client(stage)
    jump(off)
    file = paths(stage.root("two")).register / "api.json"
    said = file.read_text()
    file.unlink()
    eventually(lambda: stage.served() == {"one"}, "two is deregistered")
    eventually(lambda: is_off(stage, "two", off), "its agent has another time")
    file.write_text(said)
    eventually(lambda: stage.served() == {"one", "two"}, "two is registered again")
    stage.put(Override("api", "two", "maint", at=time.time()))
    eventually(lambda: stage.served() == {"one"}, "a word from another time is heard")
    jump(0)
    stage.put(Override("api", "two", at=time.time()))
    eventually(lambda: stage.served() == {"one", "two"}, "and so is the next, when the clock is right again")
    assert stage.status()["registry"]["state"] == "following"
    assert client.end() == []
