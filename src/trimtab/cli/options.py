"""Options that several commands share, and what they stand for."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Annotated

import typer

from trimtab.errors import BadInput

STREAMS = ("/dev/stdin", "/dev/fd/")  # what the caller himself has opened


def _no_pipe(path: Path) -> Path:
    """The path. Raises BadInput for a pipe, a socket or a device, which would keep us waiting."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return path  # whoever reads it says why not
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode) or str(path).startswith(STREAMS):
        return path
    raise BadInput(f"{path} is no regular file", "an estate is a text file, or /dev/stdin")


def named(said: str | Path) -> Path:
    """A file or folder as somebody names it: nothing would be the folder that one is in. Raises BadInput."""
    if not str(said):
        raise BadInput(
            "a file or folder is named by nothing", "is a variable of your shell empty? `.` is this folder"
        )
    return Path(said)


EstateFile = Annotated[
    Path,
    typer.Option("-e", "--estate", help="the estate file", metavar="FILE", parser=named, callback=_no_pipe),
]
Json = Annotated[bool, typer.Option("--json", help="a documented JSON object on standard output")]
JsonLines = Annotated[
    bool,
    typer.Option(
        "--json", help="what it does as it does it, a documented JSON object a line on standard output"
    ),
]
Full = Annotated[bool, typer.Option("--full", help="every host, without the `twin` section's limits")]
Name = Annotated[str, typer.Option("--name", help="the twin's name; default: the estate's", metavar="NAME")]
DEFAULT_ESTATE = Path("estate.yaml")
