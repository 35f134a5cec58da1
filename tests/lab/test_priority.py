"""Nice values of sessions: what outer writes for the owner, and what it does where the kernel says no."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from trimtab.lab.priority import FIRST, Asker, Writer, first


@pytest.fixture
def pair() -> Iterator[tuple[Asker, Writer, socket.socket]]:
    """The third one is the asker's own end: closed, nobody asks any more."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with here, there:
        yield Asker(os.dup(there.fileno())), Writer(here), there


@pytest.fixture
def session() -> Iterator[int]:
    """The first process of a session of its own."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        yield process.pid
        process.kill()


def nice(pid: int) -> int:
    return int(Path(f"/proc/{pid}/autogroup").read_text().split()[-1])


needs_autogroups = pytest.mark.skipif(
    not Path("/proc/self/autogroup").exists() or os.geteuid() != 0,
    reason="the kernel has no autogroups, or we are not root",
)


@needs_autogroups
@pytest.mark.parametrize("value", [-10, -5, 10])
def test_a_session_gets_what_was_asked_for(
    pair: tuple[Asker, Writer, socket.socket], session: int, value: int
) -> None:
    asker, writer, _ = pair
    asker(session, value)
    assert writer.read()
    writer.write()
    assert nice(session) == value
    assert writer.again_s is None


@needs_autogroups
def test_a_load_comes_first(session: int) -> None:
    first(session)
    assert nice(session) == FIRST


def test_who_is_gone_is_not_asked_for(pair: tuple[Asker, Writer, socket.socket]) -> None:
    asker, writer, _ = pair
    with subprocess.Popen(["true"]) as process:
        process.wait()
    asker(process.pid, 10)
    first(process.pid)
    assert writer.read()
    assert writer.again_s is None


def test_what_the_kernel_refuses_for_now_is_asked_again_and_what_it_refuses_is_not(
    pair: tuple[Asker, Writer, socket.socket], tmp_path: Path
) -> None:
    _, writer, there = pair
    full, end = os.pipe2(os.O_NONBLOCK)
    while True:  # until a write would block: the same word as "for now"
        try:
            os.write(end, bytes(65536))
        except BlockingIOError:
            break
    with (tmp_path / "file").open("wb") as takes, (tmp_path / "file").open("rb") as refuses:
        for value, file in ((b"1", refuses.fileno()), (b"22", end), (b"333", takes.fileno())):
            socket.send_fds(there, [value], [file])
        assert writer.read()
        writer.write()
        assert writer.again_s, "the second one waits, and the third one behind it"
        assert (tmp_path / "file").read_bytes() == b""
        while True:
            try:
                os.read(full, 65536)
            except BlockingIOError:
                break
        writer.write()
    assert writer.again_s is None
    assert os.read(full, 16) == b"22"
    assert (tmp_path / "file").read_bytes() == b"333"
    os.close(full)
    os.close(end)


def test_the_end_of_the_owner_is_heard() -> None:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with here:
        there.close()
        assert not Writer(here).read()
