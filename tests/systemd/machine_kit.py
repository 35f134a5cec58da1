"""What tests do with a machine that systemd runs: commands in it, properties of its units, waiting."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/root",
    "SYSTEMD_COLORS": "0",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """text: what it wrote, to both."""

    code: int
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


class Machine:
    """A booted container. leader: its init, as this machine counts processes."""

    def __init__(self, release: str, name: str, leader: int) -> None:
        self.release, self.name, self.leader = release, name, leader

    @property
    def root(self) -> Path:
        return Path(f"/proc/{self.leader}/root")

    def run(self, *argv: str, timeout: float = 60, fine: bool = True) -> Reply:
        """The command in all of its namespaces. fine: anything but 0 fails the test."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.leader), "--all", "--", *argv], env=ENVIRONMENT, timeout=timeout,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        reply = Reply(done.returncode, done.stdout)
        assert not fine or reply.code == 0, f"{self.name}: {' '.join(argv)}: exit {reply.code}\n{reply.text}"
        return reply

    def sh(self, script: str, timeout: float = 60, fine: bool = True) -> Reply:
        return self.run("sh", "-c", script, timeout=timeout, fine=fine)

    def show(self, unit: str, *names: str) -> dict[str, str]:
        """Properties of a unit."""
        said = self.run("systemctl", "show", f"--property={','.join(names)}", "--", unit)
        return dict(line.split("=", 1) for line in said.lines if "=" in line)

    def property(self, unit: str, name: str) -> str:
        return self.show(unit, name)[name]

    def pid(self, unit: str) -> int:
        """Its main process, as the container counts."""
        return int(self.property(unit, "MainPID"))

    def journal(self, unit: str, lines: int = 40) -> str:
        return self.run("journalctl", "--no-pager", "-o", "cat", "-n", str(lines), "-u", unit).text

    def until(self, what: str, holds: Callable[[], bool], seconds: float = 30, told: str = "") -> None:
        """Fails when `holds` does not within the seconds. told: the unit whose journal says why."""
        ends = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > ends:
                pytest.fail(
                    f"{self.name}: not within {seconds} s: {what}\n" + (self.journal(told) if told else "")
                )
            time.sleep(0.05)
