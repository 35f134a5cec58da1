"""nginx by platform. Tried on the version itself (tests/daemons/test_features_real.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trimtab.daemons.platforms import by_platform
from trimtab.estate.platform import Platform


@dataclass(frozen=True, slots=True)
class Features:
    """version: the branch, as `nginx -v` says it.
    http2_directive: HTTP/2 is `http2 on;` of a server; as a word of `listen` it is deprecated there (since 1.25.1).
    """

    version: str
    http2_directive: bool


BY_PLATFORM: Mapping[Platform, Features] = {
    "debian-12": Features("1.22", http2_directive=False),
    "debian-13": Features("1.26", http2_directive=True),
}

features = by_platform(BY_PLATFORM)
