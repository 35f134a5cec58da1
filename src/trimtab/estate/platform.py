"""What a host's operating system is: it decides the versions of the daemons that its files are written for."""

from __future__ import annotations

from typing import Literal, get_args

Platform = Literal["debian-12", "debian-13"]
PLATFORMS: tuple[Platform, ...] = get_args(Platform)
OLDEST: Platform = PLATFORMS[
    0
]  # what a file is written for where nothing is said: the newer one reads it too
