"""Where output goes wrong: no traceback, and never a success that nobody could read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.cli_kit import SHOP
from trimtab.cli import _tidied
from trimtab.cli.output import visible

TRIMTAB = f"{sys.executable} -m trimtab"
COMMANDS = ("check", "check --json", "timing")


def shell(command: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, timeout=60, cwd=cwd or SHOP.parent, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_is_told_and_is_three(command: str) -> None:
    done = shell(f"{TRIMTAB} {command} > /dev/full")
    assert done.returncode == 3, done.stderr
    assert done.stderr.decode().splitlines()[-2:] == [
        "standard output: No space left on device", "    what should have been printed is lost",
    ]  # fmt: skip
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_closed_standard_output_is_three(command: str) -> None:
    done = shell(f"{TRIMTAB} {command} >&-")
    assert done.returncode == 3 and b"standard output: Bad file descriptor" in done.stderr, done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_has_left_is_141_without_a_word(command: str) -> None:
    done = shell(f"(sleep 0.1; {TRIMTAB} {command}; echo $? >&3) 3>&2 2>/dev/null | :")
    assert done.stderr == b"141\n"
    told = shell(f"(sleep 0.1; {TRIMTAB} {command}) | :").stderr.decode()
    assert "Traceback" not in told and "Broken" not in told and "Exception" not in told


def test_closed_standard_error_changes_nothing() -> None:
    assert shell(f"{TRIMTAB} timing 2>&-").returncode == 0
    assert shell(f"{TRIMTAB} timing 2> /dev/full").returncode == 0


def test_a_terminal_without_unicode_gets_ascii() -> None:
    done = shell(f"{TRIMTAB} timing --terms", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", LC_ALL="C")
    assert done.returncode == 0, done.stderr
    assert b"<= 1 s   0.19-0.42 s" in done.stdout
    assert done.stdout.isascii() and b"\\u2264" not in done.stdout
    assert "≤ 1 s" in shell(f"{TRIMTAB} timing", LC_ALL="C.UTF-8").stdout.decode()


@pytest.mark.parametrize("form", ["", "--json", "--sarif"])
def test_a_file_name_that_is_no_unicode(tmp_path: Path, form: str) -> None:
    name = os.fsdecode(b"bad\xff.yaml")
    (tmp_path / name).write_bytes(SHOP.read_bytes().replace(b"rto: 1s", b"rto: 1ms"))
    done = shell(f"{TRIMTAB} check {form} -e $'bad\\xff.yaml'", tmp_path)
    assert done.returncode == 1 and done.stderr == b"", done.stderr
    if form == "--sarif":
        (run,) = json.loads(done.stdout)["runs"]
        assert (
            run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "bad%FF.yaml"
        )


@pytest.mark.parametrize("command", ["check", "check --json", "timing", "drill run site-power-cut"])
def test_a_pipe_is_no_estate_and_is_not_waited_for(tmp_path: Path, command: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = shell(f"timeout 20 {TRIMTAB} {command} -e pipe", tmp_path)
    assert done.returncode == 2 and b"pipe is no regular file" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_is_told_to_end_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "trimtab", "build", "-e", str(SHOP), "-o", str(tmp_path / "out")]
    work = tmp_path / "work"
    work.mkdir()
    building = subprocess.Popen(
        command, env={**os.environ, "TMPDIR": str(work)}, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not list(work.glob("trimtab-check-*")):  # the daemons are being asked
            assert building.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        building.send_signal(number)
        _, said = building.communicate(timeout=60)
    finally:
        building.kill()
    assert building.returncode == 128 + number and b"Traceback" not in said, said
    assert list(work.iterdir()) == [] and not list(tmp_path.glob("out*"))


def test_who_ignores_a_hang_up_goes_on() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup begins a command
    try:
        with _tidied():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_standard_input_is_an_estate() -> None:
    assert shell(f"cat {SHOP} | {TRIMTAB} check -e /dev/stdin").returncode == 0
    assert shell(f"{TRIMTAB} check -e <(cat {SHOP})").returncode == 0


def test_control_characters_reach_no_terminal(tmp_path: Path) -> None:
    assert visible("a\x1b[31mb\x07\x9b\tc\nd é") == "a[31mb\tc\nd é"
    good = {"format": 1, "scenario": "x\x1b[31m", "verdict": "true", "runs": [], "summary": {}, "predicted": {},
            "configuration": "\x1b]0;title\x07"}  # fmt: skip
    (tmp_path / "report.json").write_text(json.dumps(good))
    done = shell(f"{TRIMTAB} drill compare . .", tmp_path)
    assert done.returncode == 0 and b"\x1b" not in done.stdout and b"\x07" not in done.stdout
