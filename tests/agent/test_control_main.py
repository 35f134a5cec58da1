"""The program: its file, its lock, its signals, its words."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.agent.control_kit import lines, paths, silent

from trimtab import agent_config
from trimtab.agent.main import alone, good, main, read
from trimtab.agent.runtime.log import LONGEST, Log, Sparing
from trimtab.agent_config import AgentFile, RegistryAccess
from trimtab.errors import BadInput, EnvironmentUnable

DEADLINE_S = 20.0
FILE = AgentFile("h", "s", "e", "127.0.0.1", 0, "systemd")


def put(root: Path, text: str) -> None:
    path = paths(root).file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"host":"h"}', agent_config.dump(FILE).replace('"host"', '"hots"')]
)
def test_a_file_that_is_none_is_bad_input(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path, text)
    assert main(["run", "--root", str(tmp_path)]) == 2
    assert json.loads(capsys.readouterr().err)["event"] == "stopped"


def test_no_file_and_an_unknown_supervisor(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read(tmp_path / "agent.json")
    put(tmp_path, agent_config.dump(FILE).replace("systemd", "upstart"))
    assert main(["--root", str(tmp_path)]) == 2


def test_one_agent_a_host(tmp_path: Path) -> None:
    path = tmp_path / "state" / "agent.lock"
    with alone(path), pytest.raises(EnvironmentUnable, match="is held"), alone(path):
        pass
    with alone(path):
        pass


def test_words_of_the_hand_need_a_registry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, agent_config.dump(FILE))
    assert main(["drain", "--root", str(tmp_path), "--reason", "test"]) == 2
    assert "has no registry" in capsys.readouterr().err.splitlines()[0]


def test_force_is_said_with_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    access = RegistryAccess("etcd", ("https://127.0.0.1:1",), "/trimtab/e")
    put(tmp_path, agent_config.dump(replace(FILE, registry=access, serves={"web": ("h1",)})))
    assert main(["ready", "--force", "--root", str(tmp_path)]) == 2
    assert "--force needs a reason" in capsys.readouterr().err


def test_a_log_line_is_one_line_whatever_is_said() -> None:
    log, stream = silent()
    log.warning("x", why='a\nb"}\x1b[2J', long="y" * 5000, many={f"k{i}" for i in range(90)}, none=None)
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert found["time"] == "2023-11-14T22:13:20.000Z"
    assert "\x1b" not in line
    assert len(found["long"]) == LONGEST + 3
    assert found["many"][-1] == "..."
    try:
        raise ValueError("reason")
    except ValueError as error:
        log.crash("crashed", error)
    assert "test_control_main" in lines(stream)[1]["traceback"]


def test_a_log_that_nobody_reads_stops_nothing() -> None:
    class Gone:
        def write(self, _: str) -> None:
            raise BrokenPipeError

    Log(Gone()).info("x")  # type: ignore[arg-type]


def test_who_fills_a_registry_does_not_fill_the_disk() -> None:
    log, stream = silent()
    sparing = Sparing(log, most=3, per_s=60.0)
    assert [sparing(float(i)) for i in range(6)] == [True] * 3 + [False] * 3
    assert len(lines(stream)) == 1
    assert sparing(60.0)


class Program:
    def __init__(self, root: Path) -> None:
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(root / "notify"))
        self.manager.settimeout(DEADLINE_S)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trimtab.agent", "--root", str(root)],
            stderr=subprocess.PIPE,
            env={**os.environ, "NOTIFY_SOCKET": str(root / "notify")},
        )
        assert self.manager.recv(100) == b"READY=1"

    def said(self, event: str) -> dict[str, Any]:
        """Reads on until it is said."""
        assert self.process.stderr is not None
        ends = time.monotonic() + DEADLINE_S
        while select.select([self.process.stderr], [], [], ends - time.monotonic())[0]:
            line: dict[str, Any] = json.loads(self.process.stderr.readline())
            if line["event"] == event:
                return line
        raise AssertionError(f"{event} was not said")

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(DEADLINE_S)
        self.manager.close()
        return code


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    put(tmp_path, agent_config.dump(FILE))
    found = Program(tmp_path)
    yield found
    if found.process.poll() is None:
        found.process.kill()
        found.process.wait()
    assert found.process.stderr is not None
    found.process.stderr.close()


def test_signals(tmp_path: Path, program: Program) -> None:
    program.said("begun")
    put(tmp_path, "{")
    program.process.send_signal(signal.SIGHUP)
    assert "agent.json" in program.said("the new file is refused, the old one holds")["why"]
    put(tmp_path, agent_config.dump(FILE).replace('"h"', '"other"'))
    program.process.send_signal(signal.SIGHUP)
    assert program.said("begun anew")["host"] == "other"
    assert program.end() == 0
    assert program.manager.fileno() == -1


def refused(root: Path) -> list[dict[str, str]]:
    path = paths(root).status
    found: list[dict[str, str]] = json.loads(path.read_text())["refused"] if path.exists() else []
    return found


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_a_bad_file_stands_in_the_status_until_it_is_good_again(tmp_path: Path, program: Program) -> None:
    put(tmp_path, "{")
    program.process.send_signal(signal.SIGHUP)
    until(lambda: bool(refused(tmp_path)))
    (found,) = refused(tmp_path)
    assert (found["key"], found["reason"]) == ("agent.json", "bad_file") and "agent.json" in found["why"]
    put(tmp_path, agent_config.dump(FILE))
    program.process.send_signal(signal.SIGHUP)
    until(lambda: not refused(tmp_path))
    assert program.end() == 0


def test_a_start_with_a_bad_file_begins_with_the_last_good_one(tmp_path: Path, program: Program) -> None:
    assert program.end() == 0
    assert read(good(paths(tmp_path))) == FILE
    put(tmp_path, "{")
    (tmp_path / "notify").unlink()
    second = Program(tmp_path)
    assert "agent.json" in second.said("the file is refused, begun with the last good one")["why"]
    until(lambda: [each["reason"] for each in refused(tmp_path)] == ["bad_file"])
    assert second.end() == 0
    assert second.process.stderr is not None
    second.process.stderr.close()


@pytest.mark.parametrize("kept", ["{", None])
def test_without_a_good_one_or_with_none_at_all_it_ends(
    tmp_path: Path, kept: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is gone was taken away."""
    found = good(paths(tmp_path))
    found.parent.mkdir(parents=True)
    if kept is None:
        found.write_text(agent_config.dump(FILE))
    else:
        put(tmp_path, "[]")
        found.write_text(kept)
    assert main(["run", "--root", str(tmp_path)]) == 2
    assert "agent.json.good" not in json.loads(capsys.readouterr().err)["why"]


def test_a_second_one_does_not_start(tmp_path: Path, program: Program) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "trimtab.agent", "--root", str(tmp_path)], capture_output=True
    )
    assert second.returncode == 3
    assert b"another agent" in second.stderr
    assert program.end(signal.SIGINT) == 0
