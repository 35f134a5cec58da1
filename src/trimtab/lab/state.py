"""Where a twin keeps what the outside needs: its control socket, its logs, the shared scratch.

    /tmp/trimtab-<uid>/<name>/        mode 0700; TRIMTAB_STATE replaces the part before the name
        owner.json                    {"name", "pid"}
        control.sock                  JSON lines, see control.py
        topology.json                 what was asked for
        owner.log  logs/<node>/<unit>.log
        out/                          scratch: the same path inside every node
        disks/                        a tmpfs, seen only inside: the nodes' disks

The owner holds a lock on the directory itself for as long as it lives, so a directory without a lock is a
leftover and whoever gets the lock may delete it.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import stat
from pathlib import Path

from trimtab.errors import BadInput, EnvironmentUnable

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,40}")


def base_dir() -> Path:
    """The folder of all twins of this user."""
    return Path(os.environ.get("TRIMTAB_STATE") or f"/tmp/trimtab-{os.getuid()}")


def state_dir(name: str) -> Path:
    """The folder of the twin `name`; it need not exist. Raises BadInput on a name that is no file name."""
    if not NAME.fullmatch(name):
        raise BadInput(f"{name!r} cannot be the name of a twin", "use up to 41 of a-z 0-9 . _ -")
    return base_dir() / name


def claim(name: str) -> int:
    """Make the twin's folder, empty and locked; returns the locked file descriptor.

    Raises EnvironmentUnable if a twin of that name runs, or the folder cannot be trusted.
    """
    path = state_dir(name)
    _private(path.parent)
    while True:
        _private(path)
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        if not _lock(fd):
            os.close(fd)
            raise EnvironmentUnable(
                f"a twin named {name} already runs", f"take it down first: trimtab lab down --name {name}"
            )
        if _same(path, fd):
            _empty(path)
            (path / "out").mkdir(mode=0o700)
            return fd
        os.close(fd)  # deleted by its former owner between open and lock


def connect(path: Path) -> socket.socket:
    """Connect to the control socket in `path`.

    Raises OSError. Socket paths are short: go through the folder.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(f"/proc/self/fd/{fd}/control.sock")
    except OSError:
        sock.close()
        raise
    finally:
        os.close(fd)
    return sock


def log_tail(path: Path, lines: int = 15) -> str:
    """The last lines of the owner's log, empty if there is none."""
    try:
        return "\n".join((path / "owner.log").read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _private(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise EnvironmentUnable(
            f"{path} is not ours alone (owner {found.st_uid}, mode {stat.filemode(found.st_mode)})",
            "remove it, or set TRIMTAB_STATE to a folder of your own with mode 0700",
        )


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(fd))
    except FileNotFoundError:
        return False


def _empty(path: Path) -> None:
    for entry in path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
