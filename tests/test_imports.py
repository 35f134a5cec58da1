"""Imports stand at the top of a file. Where one waits it is for a start, and for each kind of start in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import trimtab

ROOT = Path(trimtab.__file__).parent
# file: what would otherwise be paid for at a start that does not need it
WAITING = {
    "cli/__init__.py": "an error of the command line is told even where the commands cannot be imported",
    "agent/agent.py": "what a host has not, its agent does not hold in memory",
    "agent/main.py": "a host's own word is written by a program of a moment",
    "agent/supervision/full.py": "hooks of units start at each probe",
    "answers/codec.py": "pydantic, which only those need who read answers back",
    "daemons/haproxy/asked.py": "hooks of units start at each probe",
    "daemons/nginx/asked.py": "hooks of units start at each probe",
    "daemons/load.py": "tables of the rooms, which packages from outside join first",
    "registry/engines.py": "of two engines a host has one",
    "storefront/__init__.py": "each host of the twin starts one part of the shop",
    "storefront/commands.py": "each host of the twin starts one part of the shop",
}


def test_no_import_waits_but_where_a_start_needs_it() -> None:
    waiting = {
        str(file.relative_to(ROOT))
        for file in ROOT.rglob("*.py")
        for function in ast.walk(ast.parse(file.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert waiting == set(WAITING)
