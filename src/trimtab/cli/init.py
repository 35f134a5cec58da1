"""`trimtab init`: a commented estate to start from."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.options import named
from trimtab.cli.output import print_line
from trimtab.errors import BadInput


def init(
    directory: Annotated[Path, typer.Argument(help="folder to make", metavar="DIR", parser=named)],
    source: Annotated[str, typer.Option("--from", help="which example", metavar="NAME")] = "shop",
) -> int:
    """Write DIR/estate.yaml from an example; an existing file is never touched."""
    known = examples()
    if source not in known:
        raise BadInput(f"there is no example `{source}`", f"there are: {', '.join(sorted(known))}")
    if directory.is_file():
        raise BadInput(f"{directory} is a file", "name a folder, which is made where there is none")
    target = directory / "estate.yaml"
    if target.exists():
        raise BadInput(f"{target} exists already", "name another folder, or move the file away")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        target.write_text(known[source])
    except OSError as error:
        raise BadInput(
            f"{target} cannot be written: {error.strerror}", "name a folder that you may write to"
        ) from error
    print_line(f"wrote {target}; next: trimtab check -e {target}")
    return 0


def examples() -> dict[str, str]:
    """Name → text of the examples: those in the package, or the checkout's where it is run from there."""
    packaged = files("trimtab") / "examples"
    root = packaged if packaged.is_dir() else Path(__file__).resolve().parents[3] / "examples"
    return {
        entry.name: (entry / "estate.yaml").read_text()
        for entry in root.iterdir()
        if entry.is_dir() and (entry / "estate.yaml").is_file()
    }
