"""BIRD by platform. Tried on the version itself (tests/daemons/test_features_real.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trimtab.daemons.platforms import by_platform
from trimtab.estate.platform import Platform


@dataclass(frozen=True, slots=True)
class Features:
    """version: the branch, as `bird --version` says it.  rtr: the version of RTR that it is told to speak, 0: it has no such
    word. 2.17 begins with 2, and StayRTR 0.6, which has 1, closes before its answer is read, so that nothing is ever learnt.
    aspa: it verifies paths (from 2.16 on), and asks for what it needs by RTR 2.
    """

    version: str
    rtr: int = 0
    aspa: bool = False


BY_PLATFORM: Mapping[Platform, Features] = {
    "debian-12": Features("2.0"),
    "debian-13": Features("2.17", rtr=1, aspa=True),
}

features = by_platform(BY_PLATFORM)
