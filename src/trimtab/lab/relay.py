"""The delay relay (wire.c): compile it once, run one for all delayed segments, tell it about ports."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from trimtab.errors import EnvironmentUnable, PackageMissing, TwinFailed

FLAGS = ("-O2", "-Wall")


def build() -> Path:
    """The relay's program, compiled if this source has not been yet.

    Raises PackageMissing, EnvironmentUnable.
    """
    source = resources.files("trimtab.lab").joinpath("wire.c").read_bytes()
    program = program_path(source)
    if program.exists():
        return program
    if shutil.which("gcc") is None:
        raise PackageMissing("gcc", "gcc libc6-dev")
    program.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd, temporary = tempfile.mkstemp(dir=program.parent, prefix=".wire-")
    os.close(fd)
    done = subprocess.run(
        ["gcc", *FLAGS, "-x", "c", "-o", temporary, "-"],
        input=source,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        Path(temporary).unlink()
        words = done.stdout.decode(errors="replace").strip()
        if "No such file" in words:
            raise PackageMissing("the C library's headers", "gcc libc6-dev")
        raise EnvironmentUnable(f"gcc could not compile the delay relay: {words[-500:]}")
    Path(temporary).chmod(0o755)
    Path(temporary).rename(program)  # whole or not at all, with several builders at once
    return program


def program_path(source: bytes) -> Path:
    """Where the program compiled from `source` is kept; a changed source is another file."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(source + repr((FLAGS, os.uname().machine)).encode()).hexdigest()[:16]
    return cache / "trimtab" / f"wire-{digest}"


class Relay:
    """The running relay. Every command is answered before the method returns; a refusal raises TwinFailed."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self._pairs = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    def join(self, pairs: Sequence[tuple[str, str, float]]) -> list[int]:
        """Join interfaces a and b with a one-way delay in ms; returns the pairs' numbers."""
        numbers = list(range(self._pairs, self._pairs + len(pairs)))
        self._pairs += len(pairs)
        self._tell(
            [f"pair {n} {a} {b} {ms * 1000:.0f} 0 0" for n, (a, b, ms) in zip(numbers, pairs, strict=True)]
        )
        return numbers

    def port(self, pair: int, side: int, interface: str) -> None:
        """Side 0 or 1 of a pair is now `interface`."""
        self._tell([f"port {pair} {side} {interface}"])

    def set(self, pair: int, delay_ms: float, jitter_ms: float = 0, loss: float = 0) -> None:
        """Change a pair while it runs; loss is a share of 0 to 1."""
        self._tell([f"set {pair} {delay_ms * 1000:.0f} {jitter_ms * 1000:.0f} {loss * 1e6:.0f}"])

    def _tell(self, lines: list[str]) -> None:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise ValueError("the relay has no pipes")
        for line in lines:
            try:
                stdin.write(line + "\n")
                stdin.flush()
            except BrokenPipeError as error:
                raise TwinFailed("the delay relay has ended") from error
            answer = stdout.readline().strip()
            if answer != "ok":
                raise TwinFailed(f"the delay relay said {answer or 'nothing'!r} to {line!r}")
