"""Who judges a file: the command to ask it (`ask`), and what its reply means (`accepts`). Nothing runs here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from trimtab.daemons.reply import Reply

WHERE = re.compile(r"(?P<file>/[^\s:]+):(?P<line>\d+)")  # bird, systemd, sh, sysctl


@dataclass(frozen=True, slots=True)
class Validator:
    """program: what must be installed, from Debian's `package`.  ask: the command for a path on the host.
    reads: what its reply hangs on: that file, all units and which files there are, or anything of the host.
    where: how a complaint names file and line.  folder: where the package puts the program.
    """

    program: str
    package: str
    ask: Callable[[str], list[str]]
    accepts: Callable[[Reply], bool] = lambda reply: reply.code == 0
    reads: Literal["file", "units", "host"] = "host"
    where: re.Pattern[str] = WHERE
    folder: str = "/usr/bin"

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.program}"

    def place(self, text: str) -> tuple[str, int] | None:
        """The first (file, line) that its complaint names."""
        for pattern in (self.where, WHERE):
            if found := pattern.search(text):
                return found["file"], int(found["line"])
        return None
