"""One rendered file: what it says, where it goes, who checks it and how its daemon takes it up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HOOKS = "/usr/local/lib/trimtab"  # programs of ours that units run
UNITS = "/etc/systemd/system/"
TakeUp = Literal["none", "reload", "restart", "sysctl", "daemon-reload"]


@dataclass(frozen=True, order=True, slots=True)
class Artifact:
    """A file of one host.

    path: absolute path on the host.  content: text, always ending in a newline.  mode: permission bits.
    owner: user and group, `root` or the daemon's own.  validator: of `daemons.table`,
    None where no program can judge the file.  take_up: what the daemon `unit` has to do after a change.
    """

    path: str
    content: str
    mode: int = 0o644
    owner: str = "root"
    validator: str | None = None
    take_up: TakeUp = "none"
    unit: str | None = None
