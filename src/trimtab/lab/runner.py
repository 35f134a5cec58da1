"""The commands, folders and environment of one unit on one machine."""

from __future__ import annotations

import asyncio
import resource
import shlex
import shutil
import signal
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

from trimtab.errors import BadInput, TwinFailed
from trimtab.lab import process
from trimtab.lab.command import Command, assignments
from trimtab.lab.node import Machine
from trimtab.lab.unit import Unit
from trimtab.lab.unit_file import Directory

# systemd's own search path, and beside it the programs installed with this interpreter.
PATH = f"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{Path(sys.executable).parent}"
BASE = {
    "PATH": PATH,
    "LANG": "C.UTF-8",
    "SHELL": "/bin/sh",
    "HOME": "/root",
    "USER": "root",
    "LOGNAME": "root",
}
NOFILE = 1024  # systemd's soft limit where a unit says nothing


class Runner:
    """Starts a unit's commands. `environment` is that of the present run, made anew by `prepare`."""

    def __init__(self, machine: Machine, unit: Unit, log: Path) -> None:
        self._machine, self._unit, self._log = machine, unit, log
        self.environment: dict[str, str] = {}

    def become(self, unit: Unit) -> None:
        self._unit = unit

    def prepare(self) -> None:
        """Make the unit's folders and the environment of a new run. Raises BadInput, OSError."""
        unit = self._unit
        kinds = {"RUNTIME": unit.runtime, "STATE": unit.state, "LOGS": unit.logs, "CACHE": unit.cache}
        folders = {
            f"{kind}_DIRECTORY": ":".join(each.path for each in found)
            for kind, found in kinds.items()
            if found
        }
        for directory in (*unit.runtime, *unit.state, *unit.logs, *unit.cache):
            self._make(directory)
        self.environment = {
            **BASE,
            "INVOCATION_ID": uuid.uuid4().hex,
            **folders,
            **dict(unit.environment),
            **self._environment_files(),
        }

    def clean(self, again: bool) -> None:
        """Remove RuntimeDirectory= after a run, unless it is to be kept; `again`: another run follows."""
        keep = self._unit.runtime_preserve == "yes" or (again and self._unit.runtime_preserve == "restart")
        for directory in () if keep else self._unit.runtime:
            shutil.rmtree(self._machine.inside(directory.path), ignore_errors=True)

    async def run(self, commands: Sequence[Command], limit: float | None) -> bool:
        """One after the other, each at most `limit` seconds; False as soon as one fails that may not."""
        for command in commands:
            child = self.spawn(command)
            try:
                code: int | None = await asyncio.wait_for(child.wait(), limit)
            except TimeoutError:
                process.send([*process.descendants(child.pid), child.pid], signal.SIGKILL)
                code = None
            if code != 0 and not command.may_fail:
                self.note(f"{' '.join(command.argv)}: {describe(code)}")
                return False
        return True

    def spawn(self, command: Command, wrapper: str = "") -> process.Child:
        """Start a command with the unit's limits, its output in the unit's log; wrapper: a program to run it with."""
        if self._machine.pid is None:
            raise TwinFailed(f"{self._machine.node.name} has no power")
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        wanted = self._unit.limit_nofile or NOFILE
        files = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        folder = shlex.quote(self._unit.working_directory or "/")
        if self._unit.nice > 0:  # for a kernel without autogroups; with them it is priority.py that counts
            wrapper = f"nice -n {self._unit.nice} {wrapper}"
        script = f'umask {self._unit.umask:o} && ulimit -Sn {files} && cd {folder} && exec {wrapper} "$@"'
        argv = ["sh", "-c", script, "sh", *command.expand(self.environment)]
        with self._log.open("ab") as log:
            return process.Child(process.enter(self._machine.pid, argv), env=self.environment, output=log)

    def note(self, text: str) -> None:
        """A line of our own in the unit's log."""
        with self._log.open("a") as log:
            log.write(f"trimtab: {text}\n")

    def last_words(self, lines: int) -> str:
        try:
            return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    def _make(self, directory: Directory) -> None:
        path = self._machine.inside(directory.path)
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(directory.mode)

    def _environment_files(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in self._unit.environment_files:
            path = self._machine.inside(name.removeprefix("-"))
            if name.startswith("-") and not path.exists():
                continue
            lines = [line.strip() for line in path.read_text().splitlines()]
            try:
                for line in lines:
                    found.update(assignments(line) if line and line[0] not in "#;" else {})
            except ValueError as error:
                raise BadInput(f"{self._machine.node.name}:{name.removeprefix('-')}: {error}") from error
        return found


def describe(code: int | None) -> str:
    """An exit status in words."""
    if code is None:
        return "took too long"
    return f"exit status {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
