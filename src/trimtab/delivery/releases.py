"""The release before this one, beside it on this machine: `scripts/release` builds it from the project's history."""

from __future__ import annotations

from pathlib import Path

from trimtab.delivery import systems
from trimtab.errors import EnvironmentUnable

RELEASE = "v0.1.0"  # the newest of scripts/releases


def folder() -> Path:
    """Its Python environment."""
    return systems.cache() / "releases" / RELEASE


def program() -> Path:
    """Its agent. Raises EnvironmentUnable where it has not been built."""
    found = folder() / "bin/trimtab-agent"
    if not found.is_file():
        raise EnvironmentUnable(
            f"the release {RELEASE} is not in {folder().parent}",
            f"in Trimtab's checkout: scripts/release {RELEASE}",
        )
    return found
