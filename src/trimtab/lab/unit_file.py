"""A unit file's lines and the values in them: text in, typed values or BadInput with file and line out.

Follows systemd.syntax(7): an empty assignment forgets those before it, `%` begins a specifier, a backslash at
the end of a line goes on with the next. What is acted on is told by the tables in directives.py.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from trimtab.errors import BadInput
from trimtab.lab.command import Command, assignments, parse_command
from trimtab.lab.directives import NOT_ACTED_ON, SECTIONS, UNDERSTOOD

SPAN = re.compile(
    r"(\d+(?:\.\d+)?)\s*(usec|us|msec|ms|seconds?|sec|s|minutes?|min|m|hours?|hr|h|days?|d)?\s*"
)
SECONDS = {"u": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Directory:
    """A folder the unit owns: absolute path and mode."""

    path: str
    mode: int


@dataclass(frozen=True, slots=True)
class Line:
    """One assignment, specifiers not yet resolved."""

    section: str
    key: str
    value: str
    number: int


def seconds(text: str) -> float | None:
    """`5`, `100ms`, `1min 30s` in seconds; None for infinity. Raises ValueError."""
    if text == "infinity":
        return None
    total, end = 0.0, 0
    for found in SPAN.finditer(text):
        if found.start() != end:
            break
        end = found.end()
        unit = found[2] or "s"
        total += float(found[1]) * SECONDS["ms" if unit.startswith("ms") else unit[0]]
    if end != len(text) or not text:
        raise ValueError(f"{text!r} is no time span such as 5, 100ms or 1min 30s")
    return total


class UnitFile:
    """The assignments of one unit file. Every method that reads one raises BadInput."""

    def __init__(self, text: str, name: str, path: str, host: str) -> None:
        self.name, self.path = name, path
        self.specifiers = {
            "n": name, "N": name.rpartition(".")[0], "p": name.rpartition(".")[0].partition("@")[0],
            "t": "/run", "S": "/var/lib", "C": "/var/cache", "L": "/var/log", "E": "/etc", "T": "/tmp",
            "V": "/var/tmp", "H": host, "l": host.partition(".")[0], "h": "/root", "u": "root", "U": "0",
            "%": "%",
        }  # fmt: skip
        self.lines = [self._known(line) for line in self._split(text)]

    @property
    def ignored(self) -> tuple[str, ...]:
        """The directives in it that the twin does not act on."""
        return tuple(line.key for line in self.lines if line.key in NOT_ACTED_ON[line.section])

    def _split(self, text: str) -> Iterator[Line]:
        section, held, first = "", "", 0
        for number, raw in enumerate(text.splitlines(), 1):
            line = raw.strip()
            if not held and (not line or line[0] in "#;"):
                continue
            first = first if held else number
            if line.endswith("\\"):
                held += line[:-1] + " "
                continue
            line, held = held + line, ""
            if found := re.fullmatch(r"\[(\w+)\]", line):
                section = found[1]
                if section not in SECTIONS:
                    self._fail(first, f"section [{section}] is not known", f"known are {', '.join(SECTIONS)}")
                continue
            key, sign, value = line.partition("=")
            if not sign or not section:
                self._fail(first, f"{line!r} is not NAME=VALUE inside a section")
            yield Line(section, key.strip(), value.strip(), first)

    def _known(self, line: Line) -> Line:
        if line.key not in UNDERSTOOD[line.section] and line.key not in NOT_ACTED_ON[line.section]:
            self._fail(
                line.number,
                f"the twin does not know {line.key}= in [{line.section}]",
                "teach it in lab/unit.py, or give the reason to leave it out in lab/directives.py",
            )
        return line

    def _fail(self, number: int, message: str, hint: str = "") -> NoReturn:
        raise BadInput(f"{self.path}:{number}: {message}", hint)

    def _set(self, key: str) -> list[Line]:
        """The assignments of `key` that hold:

        an empty one forgets those before it. Specifiers are resolved.
        """
        found: list[Line] = []
        for line in self.lines:
            if line.key == key:
                found = [*found, self._specified(line)] if line.value else []
        return found

    def _specified(self, line: Line) -> Line:
        def one(found: re.Match[str]) -> str:
            if found[1] not in self.specifiers:
                self._fail(
                    line.number, f"the specifier %{found[1]} is not known", "write %% for a percent sign"
                )
            return self.specifiers[found[1]]

        if line.key in NOT_ACTED_ON[line.section]:
            return line
        return Line(line.section, line.key, re.sub(r"%(.?)", one, line.value), line.number)

    def last(self, key: str) -> str | None:
        found = self._set(key)
        return found[-1].value if found else None

    def words(self, key: str) -> list[str]:
        return [word for line in self._set(key) for word in line.value.split()]

    def choice(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        found = self._set(key)
        if found and found[-1].value not in allowed:
            self._fail(
                found[-1].number,
                f"{key}={found[-1].value} is not supported",
                f"the twin knows {', '.join(allowed)}",
            )
        return found[-1].value if found else default

    def seconds(self, key: str, default: float | None) -> float | None:
        found = self._set(key)
        try:
            return seconds(found[-1].value) if found else default
        except ValueError as error:
            self._fail(found[-1].number, f"{key}: {error}")

    def number(self, key: str, base: int, default: int) -> int:
        found = self._set(key)
        try:
            return int(found[-1].value, base) if found else default
        except ValueError:
            self._fail(found[-1].number, f"{key}={found[-1].value} is no number of base {base}")

    def limit(self, key: str) -> int | None:
        """The soft one of a Limit...=, None for infinity or nothing."""
        found = self._set(key)
        text = found[-1].value.partition(":")[0] if found else "infinity"
        if text == "infinity":
            return None
        if not text.isdigit():
            self._fail(found[-1].number, f"{key}={text} is no number")
        return int(text)

    def signal(self, key: str, default: str) -> str:
        """With the SIG in front."""
        found = self._set(key)
        name = found[-1].value if found else default
        name = name if name.startswith("SIG") else f"SIG{name}"
        if name not in signal.Signals.__members__:
            self._fail(found[-1].number, f"{key}={name} is no signal")
        return name

    def environment(self, key: str) -> tuple[tuple[str, str], ...]:
        pairs: dict[str, str] = {}
        for line in self._set(key):
            try:
                pairs.update(assignments(line.value))
            except ValueError as error:
                self._fail(line.number, f"{key}: {error}")
        return tuple(pairs.items())

    def commands(self, key: str) -> tuple[Command, ...]:
        found = []
        for line in self._set(key):
            try:
                found.append(parse_command(line.value))
            except ValueError as error:
                self._fail(line.number, f"{key}: {error}")
        return tuple(found)

    def directories(self, kind: str, root: str) -> tuple[Directory, ...]:
        mode = self.number(f"{kind}DirectoryMode", 8, 0o755)
        for line in self._set(f"{kind}Directory"):
            if any(part in ("", ".", "..") for word in line.value.split() for part in word.split("/")):
                self._fail(line.number, f"{kind}Directory={line.value} is not a path below {root}")
        return tuple(Directory(f"{root}/{word}", mode) for word in self.words(f"{kind}Directory"))
