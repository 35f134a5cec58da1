"""What nobody can read in one look is too long."""

from __future__ import annotations

import ast
from pathlib import Path

import trimtab

ROOT = Path(trimtab.__file__).parent
LONGEST_FUNCTION, LONGEST_FILE = 60, 400


def test_no_file_and_no_function_is_too_long() -> None:
    found = []
    for file in ROOT.rglob("*.py"):
        text, path = file.read_text(), file.relative_to(ROOT)
        if (lines := text.count("\n")) > LONGEST_FILE:
            found.append(f"{path}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    found.append(f"{path}:{node.lineno} {node.name}: {lines} lines")
    assert not found
