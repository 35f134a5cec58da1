"""docs/checks.md lists every rule; `TRIMTAB_GOLDEN=write pytest tests/checks` writes the list anew."""

from __future__ import annotations

import os

from tests.checks.kit import ROOT
from trimtab.checks.registry import known

PAGE = ROOT / "docs/checks.md"
MARK = "<!-- rules: written by TRIMTAB_GOLDEN=write pytest tests/checks -->\n"


def listed() -> str:
    rows = [f"| `{rule.NAME}` | {rule.SEVERITY} | {rule.TITLE} |" for rule in known().values()]
    return "\n".join(["| rule | severity | finds |", "|---|---|---|", *rows, ""])


def test_the_page_lists_every_rule() -> None:
    before, mark, rest = PAGE.read_text().partition(MARK)
    assert mark, "the mark is gone: the list stands behind it"
    if os.environ.get("TRIMTAB_GOLDEN") == "write":
        rest = listed()
        PAGE.write_text(before + mark + rest)
    assert rest == listed()
