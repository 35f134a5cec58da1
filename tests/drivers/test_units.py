"""Supervisors: systemd's answers read, systemctl run with a deadline, and both ends of the twin's socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from tests.drivers.process_kit import await_end

from trimtab.drivers.units import UnitState, connect
from trimtab.drivers.units.socket import UnitSocket, read_units
from trimtab.drivers.units.systemd import Systemd, read_show
from trimtab.errors import BadInput, InvalidResponse, Refused, TrimtabError, TwinFailed, Unreachable
from trimtab.lab import unit_socket
from trimtab.lab.node import Machine

# Written after the format of systemd 252, not recorded: see systemctl(1), `show`.
SHOW = """\
NRestarts=2
MainPID=1234
Id=haproxy.service
LoadState=loaded
ActiveState=active
StateChangeTimestampMonotonic=81234567

NRestarts=5
MainPID=0
Id=bird.service
LoadState=loaded
ActiveState=activating
StateChangeTimestampMonotonic=91000000

NRestarts=0
MainPID=0
Id=keepalived.service
LoadState=loaded
ActiveState=failed
StateChangeTimestampMonotonic=92000000

NRestarts=0
MainPID=0
Id=nowhere.service
LoadState=not-found
ActiveState=inactive
StateChangeTimestampMonotonic=0

NRestarts=0
MainPID=77
Id=ssh.service
LoadState=loaded
ActiveState=reloading
StateChangeTimestampMonotonic=93000000
"""
NAMES = ["haproxy.service", "bird.service", "keepalived.service", "nowhere.service", "sshd.service"]
STATES = {
    "haproxy.service": UnitState("haproxy.service", "active", 2, 1234, 81.234567),
    "bird.service": UnitState("bird.service", "activating", 5, None, 91.0),
    "keepalived.service": UnitState("keepalived.service", "failed", 0, None, 92.0),
    "nowhere.service": UnitState("nowhere.service", "missing"),
    "sshd.service": UnitState("sshd.service", "active", 0, 77, 93.0),  # an alias of ssh.service
}
T = TypeVar("T")


def soon(act: Awaitable[T]) -> T:
    """The result, good or bad: what never ends fails here."""

    async def wrapped() -> T:
        async with asyncio.timeout(30):
            return await act

    return asyncio.run(wrapped())


# ---- systemd


def test_what_systemd_shows() -> None:
    assert read_show(SHOW, NAMES) == STATES


@pytest.mark.parametrize(
    "text",
    ["", SHOW.replace("\n\n", "\n"), SHOW + "\nId=x\n", SHOW.replace("=failed", "=strange"), SHOW.replace("=1234", "=x"),
     SHOW.replace("LoadState=loaded\n", "", 1)],
)  # fmt: skip
def test_nonsense_of_systemd(text: str) -> None:
    with pytest.raises(InvalidResponse):
        read_show(text, NAMES)


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes a stand-in on PATH that writes down how it was called, then runs `script`; gives what it wrote."""

    def make(script: str) -> Path:
        program, calls = tmp_path / "bin" / "systemctl", tmp_path / "calls"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\necho "$*" >> {calls}\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
        return calls

    return make


def test_systemctl_shows(systemctl: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "show").write_text(SHOW)
    calls = systemctl(f"cat {tmp_path}/show")
    assert soon(connect("systemd").state(NAMES)) == STATES
    asked = "Id,LoadState,ActiveState,NRestarts,MainPID,StateChangeTimestampMonotonic"
    assert calls.read_text() == f"--no-pager --no-ask-password show --property={asked} -- {' '.join(NAMES)}\n"
    assert soon(Systemd().state([])) == {}


def test_a_restart_forgives_first(systemctl: Callable[[str], Path]) -> None:
    calls = systemctl('test "$3" != reset-failed')  # which fails for a unit that is not loaded
    soon(connect("systemd").restart("bird.service"))
    soon(connect("systemd").reload("bird.service"))
    verbs = [line.split()[2:] for line in calls.read_text().splitlines()]
    assert verbs == [[verb, "--", "bird.service"] for verb in ("reset-failed", "restart", "reload")]


def test_a_unit_that_comes_and_goes_is_forgiven_what_its_name_has_done(
    systemctl: Callable[[str], Path],
) -> None:
    """systemd refuses to stop, to forgive and to disable what it does not know."""
    gone = "printf 'LoadState=not-found\\nActiveState=inactive\\n'"
    calls = systemctl(f'case "$3" in show) {gone};; stop|reset-failed|disable) exit 5;; esac')
    manager = connect("systemd")
    soon(manager.reread())
    soon(manager.start("a.service"))
    soon(manager.stop("a.service"))
    verbs = [" ".join(line.split()[2:]) for line in calls.read_text().splitlines() if " show " not in line]
    assert verbs == [
        "daemon-reload", "reset-failed -- a.service", "enable --now -- a.service",
        "stop -- a.service", "reset-failed -- a.service", "disable -- a.service",
    ]  # fmt: skip


def test_what_does_not_stop_is_told(systemctl: Callable[[str], Path]) -> None:
    systemctl(
        'case "$3" in show) printf "LoadState=loaded\\nActiveState=active\\n";; stop) echo no >&2; exit 1;; esac'
    )
    with pytest.raises(Refused, match=r"systemctl stop a\.service: no"):
        soon(Systemd().stop("a.service"))


def test_systemd_says_no(systemctl: Callable[[str], Path]) -> None:
    systemctl('echo "Job for bird.service failed." >&2; exit 1')
    with pytest.raises(Refused, match=r"systemctl reload bird.service: Job for bird.service failed"):
        soon(Systemd().reload("bird.service"))
    with pytest.raises(Refused):
        soon(Systemd().restart("bird.service"))


def test_systemd_is_not_there(systemctl: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    systemctl('echo "Failed to connect to bus: Host is down" >&2; exit 1')
    with pytest.raises(Unreachable):
        soon(Systemd().state(NAMES))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unreachable, match="cannot be run"):
        soon(Systemd().state(NAMES))


def test_a_systemctl_that_hangs_is_ended_with_its_children(
    systemctl: Callable[[str], Path], tmp_path: Path
) -> None:
    systemctl(f"trap '' TERM; sleep 100 & echo $! > {tmp_path}/child; wait")
    with pytest.raises(Unreachable, match=r"within 0.3 s"):
        soon(Systemd(ask_s=0.3).state(NAMES))
    await_end((tmp_path / "child").read_text().strip())


@pytest.mark.parametrize("name", ["-f", "--all", "", "a b.service", "a\nb", "x/y.service"])
def test_names_that_are_none(name: str) -> None:
    for units in (Systemd(), UnitSocket("/nowhere")):
        with pytest.raises(BadInput):
            soon(units.restart(name))
        with pytest.raises(BadInput):
            soon(units.state(["a.service", name]))


def test_supervisors_are_named() -> None:
    assert isinstance(connect("systemd"), Systemd)
    assert isinstance(connect("unix:/run/trimtab-lab/units.sock"), UnitSocket)
    for wrong in ("", "upstart", "unix:", "unix:relative"):
        with pytest.raises(BadInput):
            connect(wrong)


# ---- the twin's socket


class Node:
    """What of a Machine the socket needs."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def inside(self, path: str) -> Path:
        return self._root / Path(path).name


class World:
    """Both ends of one socket, with units of paper."""

    def __init__(self, root: Path) -> None:
        self.done: list[tuple[str, str]] = []
        self.problem: str | TrimtabError = ""
        self.server = unit_socket.UnitSocket(cast(Machine, Node(root)), self.show, self.act)
        self.client = UnitSocket(str(root / "units.sock"), ask_s=1, act_s=1)

    def show(self) -> list[dict[str, Any]]:
        states = ("active", "exited", "auto-restart", "failed")
        return [
            {"unit": f"{s}.service", "state": s, "pid": 9 if s == "active" else None, "restarts": 1}
            for s in states
        ]

    async def act(self, unit: str, verb: str) -> str:
        self.done.append((unit, verb))
        if isinstance(self.problem, TrimtabError):
            raise self.problem
        return self.problem

    def run(self, act: Callable[[], Awaitable[T]]) -> T:
        async def wrapped() -> T:
            await self.server.open()
            try:
                return await act()
            finally:
                self.server.close()

        return soon(wrapped())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_socket_shows_all_states(world: World) -> None:
    names = ["active.service", "exited.service", "auto-restart.service", "failed.service", "other.service"]
    found = world.run(lambda: world.client.state(names))
    assert list(found) == names and found["active.service"] == UnitState("active.service", "active", 1, 9)
    assert [found[name].active for name in names] == ["active", "active", "activating", "failed", "missing"]


def test_the_socket_acts(world: World, tmp_path: Path) -> None:
    async def reloads() -> int:
        await world.client.reload("a.service")
        return (tmp_path / "units.sock").stat().st_mode & 0o777

    world.run(lambda: world.client.restart("a.service"))
    assert world.run(reloads) == 0o600  # while it is there: Python 3.13 takes it away with the server
    assert world.done == [("a.service", "restart"), ("a.service", "reload")]


@pytest.mark.parametrize("problem", ["a.service is failed", TwinFailed("a.service", "is failed")])
def test_the_socket_says_no(world: World, problem: str | TrimtabError) -> None:
    world.problem = problem
    with pytest.raises(Refused, match=r"a.service is failed"):
        world.run(lambda: world.client.restart("a.service"))


@pytest.mark.parametrize("line", [b"x\n", b"[]\n", b'{"op": "kill"}\n', b'{"op": []}\n', b"{}\n", b'"op"\n'])
def test_what_the_socket_does_not_understand(world: World, tmp_path: Path, line: bytes) -> None:
    async def ask() -> bytes:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "units.sock")
        writer.write(line)
        answer = await reader.read()
        writer.close()
        return answer

    assert "error" in json.loads(world.run(ask)) and not world.done


def test_who_waits_when_the_power_goes_gets_no_answer(world: World) -> None:
    async def cut(unit: str, verb: str) -> str:
        world.server.close()
        await asyncio.sleep(60)
        return ""

    world.server._act = cut
    with pytest.raises(Unreachable):
        world.run(lambda: world.client.restart("a.service"))


FAKES: dict[str, tuple[bytes, type[TrimtabError]]] = {
    "says nothing": (b"", Unreachable),
    "not JSON": (b"what\n", InvalidResponse),
    "no object": (b"[]\n", InvalidResponse),
    "another answer": (b'{"yes": 1}\n', InvalidResponse),
    "deep": (b"[" * 100_000 + b"\n", InvalidResponse),
    "no end": (b"x" * 2**21, InvalidResponse),
}


@pytest.mark.parametrize("fake", FAKES)
def test_fakes_of_the_socket_end_in_an_error(tmp_path: Path, fake: str) -> None:
    said, kind = FAKES[fake]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(said)
            await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def ask(units: UnitSocket) -> None:
        async with await asyncio.start_unix_server(talk, tmp_path / "s"):
            with pytest.raises(kind):
                await units.state(["a.service"])
            with pytest.raises(kind):
                await units.restart("a.service")

    soon(ask(UnitSocket(str(tmp_path / "s"), ask_s=0.3, act_s=0.3)))


def test_nobody_at_the_socket(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        soon(UnitSocket(str(tmp_path / "none")).state(["a.service"]))


@pytest.mark.parametrize(
    "units",
    [None, {}, "x", [{}], [{"unit": "a", "state": "odd", "pid": 1, "restarts": 0}],
     [{"unit": "a", "state": "active", "pid": "1", "restarts": 0}], [{"unit": "a", "state": "active", "pid": 1, "restarts": -1}]],
)  # fmt: skip
def test_units_that_cannot_be_read(units: object) -> None:
    if units == {}:
        assert read_units({"units": units}) == {}
        return
    with pytest.raises(InvalidResponse):
        read_units({"units": units})
