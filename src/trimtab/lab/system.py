"""Another Debian under a host of the twin: `scripts/system RELEASE` made it, the host's root is an overlay over it.

    /opt/trimtab          the Python environment of that release, put where ours is (PREFIX) as well, so that a program
                          that is started by our interpreter's path gets the other one's
    /opt/trimtab-source   this very Trimtab

`boot_lines` makes the host begin there; `over_lines` puts the other programs under a host that runs, as an upgrade in
place does: its daemons go on with what they have opened until they are started or reloaded.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from trimtab.delivery import systems
from trimtab.errors import EnvironmentUnable

PREFIX = Path(sys.prefix)
OURS, SOURCE = Path(__file__).parents[2], "/opt/trimtab-source/src"
# Of a host in its system, beside what its units start.
NEEDED = ("/bin/sh", "/usr/bin/tini", "/usr/sbin/ip", "/opt/trimtab/bin/trimtab-agent", SOURCE)
OLD_LIB = "/run/trimtab-lab/lib"


def require(release: str, programs: Iterable[str]) -> Path:
    """The folder of a system that a host of the twin can run in. Raises BadInput, EnvironmentUnable."""
    found = systems.find(release, (*NEEDED, *programs))
    if Path(sys.base_prefix) == PREFIX:
        raise EnvironmentUnable(
            "a host with another system needs Trimtab in a Python environment of its own", "scripts/bootstrap"
        )
    return found


def boot_lines(system: Path, shares: Iterable[str]) -> list[str]:
    """Shell: make `new` in the current folder (a disk with root, root.work, new) the root of the mount namespace, with
    everything of the machine that the host goes on needing.
    """
    prefix = shlex.quote(f"new{PREFIX}")
    lines = [
        f"mount -t overlay overlay -o lowerdir={shlex.quote(str(system))},upperdir=root,workdir=root.work new",
        "mount -t proc proc new/proc",
        "mount --rbind /sys new/sys",
        "mount --rbind /dev new/dev",
        "mount -t tmpfs -o mode=1777 tmpfs new/tmp",
        f"mkdir -p {prefix}",
        f"mount --rbind {shlex.quote(str(OURS))} new{SOURCE}",
        f"mount --bind new/opt/trimtab {prefix}",
    ]
    for path in shares:
        quoted, inside = shlex.quote(path), shlex.quote(f"new{path}")
        lines.append(f"if test -d {quoted}; then mkdir -p {inside} && mount --rbind {quoted} {inside}; fi")
    return lines


def leave_lines() -> list[str]:
    """Shell: `new` becomes the root, and the machine's own is gone."""
    return ["cd new", "mkdir -p .outside", "pivot_root . .outside", "umount -l /.outside", "rmdir /.outside"]


def over_lines(system: Path) -> list[str]:
    """Shell, in a running host on the machine's own system: from now on its programs are the other one's."""
    root, prefix = shlex.quote(str(system)), shlex.quote(str(PREFIX))
    return [
        f"mkdir -p {OLD_LIB}",
        f"mount --bind /usr/local/lib {OLD_LIB}",
        f"exec 3<{shlex.quote(str(OURS))}",
        f"mount --bind {root}/opt /opt",
        f"mount --bind /opt/trimtab {prefix}",
        f"mount --bind /proc/self/fd/3 {SOURCE}",
        f"mount --bind {root}/usr /usr",
        f"mount --bind {OLD_LIB} /usr/local/lib",
    ]


def off_lines() -> list[str]:
    """Shell: undo `over_lines`; nothing where nothing was done."""
    prefix = shlex.quote(str(PREFIX))
    off = f"umount -l /usr/local/lib && umount -l /usr {SOURCE} {prefix} /opt {OLD_LIB} && rmdir {OLD_LIB}"
    return [f"if test -d {OLD_LIB}; then {off}; fi"]


def hold(folder: Path) -> int:
    """A descriptor with a lock, under which `scripts/system` does not replace it."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(held, fcntl.LOCK_SH)
    return held
