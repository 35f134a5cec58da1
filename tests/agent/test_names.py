"""One name, one thing: what an agent, the operations and a registry are written in is read in one day."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import trimtab

ROOT = Path(trimtab.__file__).parent
FOLDERS = ("agent", "ops", "registry")
TWINS = {"Space"}  # the same of each engine of a registry


def classes() -> dict[str, list[str]]:
    """Name → the modules that define it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                found[node.name].append(str(path.relative_to(ROOT)))
    return found


def test_no_class_name_is_defined_in_two_modules() -> None:
    twice = {name: where for name, where in classes().items() if len(where) > 1 and name not in TWINS}
    assert not twice and len(classes()) > 100
    assert not TWINS - classes().keys()
