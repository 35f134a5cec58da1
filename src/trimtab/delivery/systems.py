"""Other Debians on this machine, made by `scripts/system RELEASE`: whose daemons judge and run which host's files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from trimtab.errors import BadInput, EnvironmentUnable
from trimtab.estate.platform import Platform

RELEASES: Mapping[str, Platform] = {"bookworm": "debian-12", "trixie": "debian-13"}
UNMOUNTABLE = re.compile(r"[:,\\]")
OS_RELEASE = Path("/etc/os-release")


def release_of(platform: Platform) -> str:
    """`debian-13` → `trixie`."""
    return next(release for release, each in RELEASES.items() if each == platform)


def folder(release: str) -> Path:
    """Where the system of a release is kept. Raises BadInput for a release that is none."""
    if release not in RELEASES:
        raise BadInput(f"there is no system `{release}`", f"known are {', '.join(RELEASES)}")
    return cache() / "systems" / release


def cache() -> Path:
    """Where the scripts keep what they have brought."""
    return Path(os.environ.get("TRIMTAB_CACHE") or "/var/cache/trimtab").absolute()


def find(release: str, programs: Iterable[str]) -> Path:
    """The folder of a system that has the `programs` (absolute paths). Raises BadInput, EnvironmentUnable."""
    found = folder(release)
    if UNMOUNTABLE.search(str(found)):
        raise EnvironmentUnable(
            f"{found}: overlayfs takes no path with `:`, `,` or `\\`", "name another folder in TRIMTAB_CACHE"
        )
    _readable(found)
    if not found.is_dir():
        raise EnvironmentUnable(f"the system {release} is not in {found.parent}", how(release))
    _is_release(found, release)
    lacking = sorted({path for path in programs if not os.path.lexists(found / path.lstrip("/"))})
    if lacking:
        more = f" and {len(lacking) - 4} more" if len(lacking) > 4 else ""
        raise EnvironmentUnable(
            f"the system in {found} lacks {', '.join(lacking[:4])}{more}", f"remove it, then {how(release)}"
        )
    return found


def how(release: str) -> str:
    """What makes it."""
    own = os.environ.get("TRIMTAB_CACHE")
    return f"as root, in Trimtab's checkout: {f'TRIMTAB_CACHE={own} ' if own else ''}scripts/system {release}"


def _readable(found: Path) -> None:
    """Raises EnvironmentUnable: what may not be read is not there for us, and root would find nothing wrong."""
    for path in (cache(), found.parent, found):
        # False where a folder above may not be read, in the place of an error
        if os.path.isdir(path) and not os.access(path, os.R_OK | os.X_OK):  # noqa: PTH112
            raise EnvironmentUnable(f"{path} may not be read by this user", f"as root: chmod 755 {path}")


def _is_release(found: Path, release: str) -> None:
    text = found / "etc/os-release"
    platform = own_platform(text.read_text()) if text.is_file() else None
    if platform != RELEASES[release]:
        raise EnvironmentUnable(
            f"the system in {found} is {platform or 'no Debian that is known'}, and not {RELEASES[release]}",
            f"remove it, then {how(release)}",
        )


def own_platform(text: str | None = None) -> Platform | None:
    """This machine's, None where it is another. text: of its os-release(5)."""
    if text is None:
        text = OS_RELEASE.read_text() if OS_RELEASE.exists() else ""
    pairs = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    name = f"{pairs.get('ID', '')}-{pairs.get('VERSION_ID', '')}".replace('"', "")
    return next((platform for platform in RELEASES.values() if platform == name), None)


def wanted(platform: Platform | None) -> str:
    """The release whose programs a host needs that are not this machine's; "" where its own will do."""
    return "" if platform is None or platform == own_platform() else release_of(platform)
