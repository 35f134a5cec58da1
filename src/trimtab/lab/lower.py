"""What stands under a node's own folders where the machine's cannot: see delivery/mounts.py. Made once for all nodes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from trimtab.delivery.mounts import crowded

VAR = "/var"


def lowers(folder: Path, paths: Iterable[str]) -> Mapping[str, Path]:
    """Path → what takes its place, below `folder`; nothing for those that will do themselves."""
    return {path: _made(folder / path.strip("/"), path) for path in paths if crowded(path)}


def _made(copy: Path, path: str) -> Path:
    """/var: empty, for a node keeps its own there. Others: copied, without what may not be read."""
    copy.mkdir(parents=True)
    if path == VAR:
        (copy / "run").symlink_to("/run")
        (copy / "lock").symlink_to("/run/lock")
    else:
        command = ["cp", "-dR", "--preserve=mode", f"{path}/.", str(copy)]
        subprocess.run(command, stderr=subprocess.DEVNULL, check=False)
    return copy
