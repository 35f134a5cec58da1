"""The published schemas are those of the types: `docs/schemas/COMMAND.json`.

After a change that is meant, `TRIMTAB_GOLDEN=write pytest tests/answers/test_schemas.py` writes them anew: read the diff, a key
that is gone or another one breaks whoever reads it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.cli_kit import run
from trimtab.answers.schema import schema
from trimtab.answers.table import ANSWERS

SCHEMAS = Path(__file__).parents[2] / "docs/schemas"


@pytest.mark.parametrize("command", ANSWERS)
def test_the_schema_is_the_published_one(command: str) -> None:
    found, published = json.dumps(schema(command), indent=2) + "\n", SCHEMAS / f"{command}.json"
    if os.environ.get("TRIMTAB_GOLDEN") == "write":
        published.write_text(found)
    assert found == published.read_text()
    assert run("schema", command).stdout == found


def test_every_published_one_is_of_a_command() -> None:
    assert {each.stem for each in SCHEMAS.glob("*.json")} == ANSWERS.keys()


def objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for each in node.values():
            yield from objects(each)
    elif isinstance(node, list):
        for each in node:
            yield from objects(each)


@pytest.mark.parametrize("command", ANSWERS)
def test_every_object_is_closed_and_every_key_says_what_it_is(command: str) -> None:
    for each in objects(schema(command)):
        assert each["additionalProperties"] is False
        silent = [
            key
            for key, field in each["properties"].items()
            if not ("description" in field or "const" in field)
        ]
        assert silent == [], each["title"]


def test_a_schema_of_nothing_is_bad_input() -> None:
    done = run("schema", "moon")
    assert (done.returncode, done.stdout) == (2, "") and "there are: estate, " in done.stderr


def test_of_what_python_has_a_word_for_the_key_is_that_word() -> None:
    assert "class" in schema("incidents")["$defs"]["Row"]["properties"]
