"""ExaBGP by platform. What was run: 4.2.21 of Debian 12, and 5.0.15 from PyPI.

5 is no Debian package: who has it from PyPI, in /opt/exabgp or /usr/local, runs that one. Both read the file that is rendered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trimtab.daemons.platforms import by_platform
from trimtab.estate.platform import Platform


@dataclass(frozen=True, slots=True)
class Features:
    """version: the branch, as the distribution has it."""

    version: str


BY_PLATFORM: Mapping[Platform, Features] = {"debian-12": Features("4.2"), "debian-13": Features("4.2")}

features = by_platform(BY_PLATFORM)
