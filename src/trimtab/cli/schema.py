"""`trimtab schema`: the JSON Schema of an estate file, for editors."""

from __future__ import annotations

from trimtab.cli.output import print_json
from trimtab.daemons.load import additions
from trimtab.estate.json_schema import estate_schema


def schema() -> int:
    """Print the JSON Schema of estate files (YAML editors take it with `# yaml-language-server: $schema=FILE`)."""
    print_json(estate_schema(additions()))
    return 0
