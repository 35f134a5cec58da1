"""keepalived by platform. Tried on the version itself (tests/daemons/test_features_real.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trimtab.daemons.platforms import by_platform
from trimtab.estate.platform import Platform


@dataclass(frozen=True, slots=True)
class Features:
    """version: the branch, as `keepalived -v` says it.
    wants_track_files: it refuses a `track_file` whose file is not there. The units make them before it starts, whatever
        its version; who judges the file elsewhere (`build`) has to make them too.
    """

    version: str
    wants_track_files: bool


BY_PLATFORM: Mapping[Platform, Features] = {
    "debian-12": Features("2.2", wants_track_files=False),
    "debian-13": Features("2.3", wants_track_files=True),
}

features = by_platform(BY_PLATFORM)
