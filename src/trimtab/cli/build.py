"""`trimtab build`: every host's files, each judged by its own daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json, named
from trimtab.cli.output import Progress, print_json, print_line
from trimtab.daemons.load import load_estate
from trimtab.delivery import build as delivery


def build(
    out: Annotated[
        Path, typer.Option("-o", "--out", help="the folder to write", metavar="DIR", parser=named)
    ],
    estate: EstateFile = DEFAULT_ESTATE,
    no_validate: Annotated[bool, typer.Option("--no-validate", help="do not ask the daemons")] = False,
    json: Json = False,
) -> int:
    """Write one folder a host into DIR; nothing is written if a daemon refuses a file."""
    progress = Progress(only_terminal=True)

    def say(done: int, of: int, note: str) -> None:
        progress(f"checked {done} of {of} hosts {note}".rstrip())

    loaded = load_estate(estate)
    try:
        built = delivery.build(loaded, out, validate=not no_validate, progress=say if not json else None)
    finally:
        progress.done()
    if json:
        print_json({
            "directory": str(built.directory), "hosts": built.hosts, "files": built.files,
            "validated": built.validated, "seconds": round(built.seconds, 3),
        })  # fmt: skip
    else:
        judged = "each accepted by its daemon" if built.validated else "not validated"
        print_line(
            f"{built.directory}: {built.files} files of {built.hosts} hosts, {judged} ({built.seconds:.1f} s)"
        )
    return 0
