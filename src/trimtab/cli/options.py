"""Options that several commands share, and what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EstateFile = Annotated[Path, typer.Option("-e", "--estate", help="the estate file", metavar="FILE")]
Json = Annotated[bool, typer.Option("--json", help="a documented JSON object on standard output")]
Full = Annotated[bool, typer.Option("--full", help="every host, without the `twin` section's limits")]
Name = Annotated[str, typer.Option("--name", help="the twin's name; default: the estate's", metavar="NAME")]
DEFAULT_ESTATE = Path("estate.yaml")
