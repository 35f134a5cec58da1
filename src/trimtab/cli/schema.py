"""`trimtab schema`: the JSON Schema of an estate file, for editors, and of what a command answers, for programs."""

from __future__ import annotations

from typing import Annotated

import typer

from trimtab.answers.schema import schema as answer_schema
from trimtab.answers.table import ANSWERS
from trimtab.cli.output import print_json
from trimtab.daemons.load import additions
from trimtab.errors import BadInput
from trimtab.estate.json_schema import estate_schema

Name = Annotated[str, typer.Argument(help="estate, or a command: drain, status, why, …", metavar="[NAME]")]


def schema(name: Name = "estate") -> int:
    """Print the JSON Schema of estate files (YAML editors take it with `# yaml-language-server: $schema=FILE`), or of what the
    command NAME prints with --json; where it tells what it does as it does it, of each line.
    """
    if name != "estate" and name not in ANSWERS:
        raise BadInput(f"no schema {name[:40]!r}", f"there are: {', '.join(['estate', *sorted(ANSWERS)])}")
    print_json(estate_schema(additions()) if name == "estate" else answer_schema(name))
    return 0
