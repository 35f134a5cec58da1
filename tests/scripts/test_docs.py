"""What the documents must keep up with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from trimtab.estate.estate import Estate
from trimtab.lab.differences import DIFFERENCES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def keys(schema: Any) -> set[str]:
    """Every key that a JSON Schema names."""
    if isinstance(schema, list):
        return set().union(*map(keys, schema))
    if not isinstance(schema, dict):
        return set()
    named = set(schema["properties"]) if isinstance(schema.get("properties"), dict) else set()
    return named.union(*map(keys, schema.values()))


def test_the_estate_page_names_every_key() -> None:
    text = (ROOT / "docs" / "estate.md").read_text().replace("```", "")  # an example explains nothing
    code = " ".join(re.findall(r"`([^`]+)`", text))
    words = set(re.findall(r"[a-z_]+", code))
    assert keys(Estate.model_json_schema()) - words == set()


def test_the_twin_page_has_a_row_for_every_difference() -> None:
    rows = re.findall(r"^\| `(/[^`]+)` \|", (ROOT / "docs" / "twin.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(difference.path for difference in DIFFERENCES)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"
