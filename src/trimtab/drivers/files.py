"""Files that survive a crash at any moment: a reader finds the old content or the new one, never a part of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

MAX_JSON = 64 * 1024 * 1024


def write_atomically(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Beside it, to the disk, in its place. One writer a file: what a killed one left behind is overwritten.

    Raises OSError; then the old content stands.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(beside, flags, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _to_disk(path.parent)


def _to_disk(folder: Path) -> None:
    """The name too: a rename that only stands in memory is lost with the power."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def read_json(path: Path, limit: int = MAX_JSON) -> Any:
    """Raises OSError where there is none (FileNotFoundError) or it is no file, ValueError where it is not JSON."""
    if not path.is_file() and path.exists():  # a pipe would keep us waiting
        raise OSError(f"{path}: not a file; remove what is in its place")
    with path.open("rb") as file:
        content = file.read(limit + 1)
        size = max(len(content), os.fstat(file.fileno()).st_size)
    if len(content) > limit:
        raise ValueError(f"{path}: {size} bytes, at most {limit} are read")
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ValueError(f"{path}: too deep") from error
