"""A daemon's features by platform, and how the table of them is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from trimtab.estate.platform import OLDEST, PLATFORMS, Platform

T = TypeVar("T")


def by_platform(table: Mapping[Platform, T]) -> Callable[[Platform | None], T]:
    """The features of a host; where nothing says its platform, those that every one has. Raises ValueError for a table that
    leaves a platform out.
    """
    if lost := [platform for platform in PLATFORMS if platform not in table]:
        raise ValueError(f"nothing is said of {', '.join(lost)}")
    return lambda platform: table[platform or OLDEST]
