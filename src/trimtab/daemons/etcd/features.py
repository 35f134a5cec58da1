"""etcd by platform. Tried on the version itself (tests/daemons/test_features_real.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trimtab.daemons.platforms import by_platform
from trimtab.estate.platform import Platform


@dataclass(frozen=True, slots=True)
class Features:
    """version: the branch, as `etcd --version` says it. A cluster that all members have taken to a newer one never takes an
    older member back: a snapshot from before is the undo (drill registry-version-upgrade).
    """

    version: str


BY_PLATFORM: Mapping[Platform, Features] = {
    "debian-12": Features("3.4"),
    "debian-13": Features("3.5"),
}

features = by_platform(BY_PLATFORM)
