"""A running twin as seen from outside: start it, ask it, run things in its nodes, break it, take it down.

Everything but `popen` goes over the control socket, one JSON line asked and one or more answered.
`popen` enters the twin's namespaces itself, so a program's streams come through directly: first those of the
owner (user, mount, pid, ...; the kernel tells the owner's pid in our numbers when we connect), then, inside,
those of the node, whose pid the owner tells in its own numbers. Each step dies with the one before it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from trimtab.agent_config import TWIN_UNITS
from trimtab.daemons.artifact import Artifact
from trimtab.errors import BadInput, DaemonRefused, EnvironmentUnable, TrimtabError, TwinFailed
from trimtab.lab import launch, priority, state
from trimtab.lab.state import state_dir
from trimtab.lab.topology import Topology

OnWait = Callable[[list[str]], None]
ERRORS: dict[str, type[TrimtabError]] = {"BadInput": BadInput, "TwinFailed": TwinFailed}
DIE_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")

__all__ = ["Lab", "start", "state_dir"]


class Lab:
    """A twin that runs. Cheap to make: `Lab.connect(name)`."""

    def __init__(self, name: str, process: subprocess.Popen[bytes] | None = None) -> None:
        self.name = name
        self.path = state_dir(name)
        self.scratch = self.path / "out"
        self._process = process

    @classmethod
    def connect(cls, name: str) -> Lab:
        """The twin `name`. Raises EnvironmentUnable if none runs."""
        lab = cls(name)
        with contextlib.closing(lab._socket()):
            return lab

    def status(self) -> dict[str, Any]:
        """{"name", "pid", "ready", "ready_s", "waiting", "hosts", "facts"}; see `twin.Twin.status`."""
        return self._ask({"op": "status"})

    def power_cut(self, nodes: Sequence[str]) -> float:
        """Cut the power of `nodes`: ports go dark, everything dies. Returns time.monotonic() at the cut."""
        return float(self._ask({"op": "power_cut", "nodes": list(nodes)})["at"])

    def power_on(self, nodes: Sequence[str], release: str | None = None) -> None:
        """Boot `nodes` again from their disks; returns when their units are being started. release: with the programs of
        that system from now on, "" of the machine's own.
        """
        self._ask({"op": "power_on", "nodes": list(nodes), "release": release})

    def programs(self, node: str, release: str) -> None:
        """Replace the programs of a running node in place by those of another system; "": its own again."""
        self._ask({"op": "programs", "node": node, "release": release})

    def cut_cables(self, segments: Sequence[str]) -> float:
        """Nothing passes on these segments any more; carriers stay. Returns time.monotonic() at the cut."""
        return float(self._ask({"op": "cut_cables", "segments": list(segments)})["at"])

    def mend_cables(self, segments: Sequence[str]) -> None:
        """The opposite of `cut_cables`; a segment that is whole stays so."""
        self._ask({"op": "mend_cables", "segments": list(segments)})

    def kill(self, node: str, unit: str, signal: str = "KILL") -> float:
        """Send `signal` to every process of `unit`. Returns time.monotonic() at the signal."""
        return float(self._ask({"op": "kill", "node": node, "unit": unit, "signal": signal})["at"])

    def unit(self, node: str, unit: str, verb: Literal["start", "stop", "restart", "reload"]) -> None:
        """What systemctl would do; returns when it is done. Raises TwinFailed if a reload is refused."""
        self._ask({"op": "unit", "node": node, "unit": unit, "verb": verb})

    def deliver(self, node: str, artifacts: Sequence[Artifact]) -> dict[str, Any]:
        """Give a running host its files anew: `Delivered` of delivery/take.py as a dict. Raises DaemonRefused, and then it has
        those that it had; TwinFailed where it could not be done.
        """
        argv = [sys.executable, "-P", "-m", "trimtab.delivery.take", "--supervisor", f"unix:{TWIN_UNITS}"]
        pipe = subprocess.PIPE
        process = self.popen(node, argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        out, err = process.communicate(json.dumps([dataclasses.asdict(a) for a in artifacts]))
        try:
            told: dict[str, Any] = json.loads(out)
        except ValueError as error:
            raise TwinFailed(f"nothing was delivered to {node}: {err.strip()[-500:]}") from error
        if process.returncode == 0:
            return told
        refused = process.returncode == DaemonRefused.exit_code
        raise (DaemonRefused if refused else TwinFailed)(f"{node}: {told['error']}", told["hint"])

    def wait_ready(self, timeout: float, on_wait: OnWait | None = None) -> float:
        """Ask every check anew until all hold; returns the seconds it took.

        `on_wait` gets what is still waited for, each time that changes. Raises TwinFailed after `timeout`
        seconds, or at once when a unit has failed for good.
        """
        began = time.monotonic()
        for answer in self._stream({"op": "wait_ready", "timeout": timeout}):
            if "waiting" in answer and on_wait:
                on_wait(answer["waiting"])
        return time.monotonic() - began

    def exec_argv(self, node: str, argv: Sequence[str]) -> list[str]:
        """The command that runs `argv` in `node`, started from outside.

        Raises EnvironmentUnable if it has no power.
        """
        inside = [
            "nsenter",
            "-t",
            str(self._ask({"op": "node_pid", "node": node})["pid"]),
            "-m",
            "-n",
            "-p",
            "-u",
            "--",
        ]
        outside = [
            "nsenter",
            "-t",
            str(self._owner_pid()),
            "-U",
            "--preserve-credentials",
            "-m",
            "-n",
            "-p",
            "-u",
            "-i",
            "--",
        ]
        return [*outside, *DIE_WITH_PARENT, *inside, *DIE_WITH_PARENT, *argv]

    def popen(
        self, node: str, argv: Sequence[str], *, first: bool = False, **popen_kw: Any
    ) -> subprocess.Popen[Any]:
        """Run `argv` in `node`; keywords as for subprocess.Popen. Killing it kills what runs in the node.

        first: in a session of its own, which gets a processor before the twin does, where we may (priority.py).
        """
        popen_kw.setdefault("env", environment())
        if not first:
            return subprocess.Popen(self.exec_argv(node, argv), **popen_kw)
        process = subprocess.Popen(self.exec_argv(node, argv), **popen_kw | {"start_new_session": True})
        priority.first(process.pid)
        return process

    def down(self, timeout: float = 15) -> None:
        """Take everything down and wait until it is gone.

        Raises TwinFailed if it is not after `timeout` seconds.
        """
        pid = int(json.loads((self.path / "owner.json").read_text())["pid"])
        owner = os.pidfd_open(pid)
        try:
            self._ask({"op": "down"})
            if not select.select([owner], [], [], timeout)[0]:
                raise TwinFailed(
                    f"twin {self.name} is still there {timeout} s after being told to go", f"kill -9 {pid}"
                )
        finally:
            os.close(owner)
        if self._process:
            self._process.wait()

    def _socket(self) -> socket.socket:
        try:
            return state.connect(self.path)
        except OSError as error:
            raise EnvironmentUnable(
                f"no twin named {self.name} runs", f"start it: trimtab lab up --name {self.name}"
            ) from error

    def _owner_pid(self) -> int:
        with contextlib.closing(self._socket()) as sock:
            credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[0])

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return list(self._stream(request))[-1]

    def _stream(self, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        with contextlib.closing(self._socket()) as sock, sock.makefile("rwb") as lines:
            lines.write(json.dumps(request).encode() + b"\n")
            lines.flush()
            for line in lines:
                answer: dict[str, Any] = json.loads(line)
                if "error" in answer:
                    raise ERRORS[answer["kind"]](answer["error"], answer["hint"])
                yield answer
                if answer.get("done"):
                    return
        raise TwinFailed(f"twin {self.name} went away", state.log_tail(self.path))


def environment() -> dict[str, str]:
    """Our environment, with the programs installed beside this interpreter found first."""
    path = os.environ.get("PATH", "/usr/bin:/bin")
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{path}:/usr/sbin:/sbin"}


def start(
    topology: Topology, *, timeout: float = 60, on_wait: OnWait | None = None, stays: bool = True
) -> Lab:
    """Start the twin in the background and return when every check holds.

    Raises EnvironmentUnable if this machine cannot, or a twin of that name runs; TwinFailed if it is not
    ready within `timeout` seconds. When this raises, or this process dies before it returns, nothing of the
    twin stays. stays: it outlives this process; otherwise it goes when this process ends, however that comes.
    """
    process = launch.spawn(topology)
    try:
        launch.await_socket(topology.name, process)
        lab = Lab(topology.name, process)
        lab.wait_ready(timeout, on_wait)
        if stays:
            launch.let_stay(process)
    except BaseException:
        launch.abandon(process)
        raise
    return lab
