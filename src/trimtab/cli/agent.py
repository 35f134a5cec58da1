"""`trimtab agent`: the agent of this host in the foreground, as its unit runs it (`trimtab-agent`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trimtab.agent.main import main
from trimtab.cli.options import named

Root = Annotated[
    Path | None,
    typer.Option("--root", help="everything below another root than /", metavar="DIR", parser=named),
]


def agent(root: Root = None) -> int:
    """Run the agent of this host until SIGTERM or SIGINT; SIGHUP reads its files anew."""
    return main(["run", *(["--root", str(root)] if root else [])])
