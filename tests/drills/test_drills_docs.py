"""The pages on drills name what there is, and quote it as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trimtab.drills.scenario import CLAIMS, CONDUCT
from trimtab.drills.scenario_file import builtin

ROOT = Path(__file__).parents[2]
DRILLS = (ROOT / "docs" / "drills.md").read_text()


def table(head: str) -> dict[str, str]:
    """Rows of the table that begins so: their last column by the name in their first."""
    lines = DRILLS[DRILLS.index(f"\n| {head}") :].strip().partition("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[-1] for row in rows}


def test_the_page_has_a_row_for_every_scenario() -> None:
    assert list(table("scenario | breaks")) == sorted(builtin())


def test_a_scenario_in_which_no_read_may_fail_is_told_so() -> None:
    for name, passes in table("scenario | breaks").items():
        claimed = builtin()[name].claims.get("failed")
        if "see below" not in passes:
            assert ("no read fails" in passes) == (claimed == 0), name
            later = builtin()[name].claims.get("failed_later")
            assert ("at most 2 reads fail that were sent after the news" in passes) == (later == 2), name


def test_the_page_has_a_row_for_every_claim_with_its_words() -> None:
    rows = table("claim | true if")
    assert set(rows) == set(CLAIMS)
    for name, words in CONDUCT.items():
        assert re.findall(r"`([^`]+)`", rows[name]) == list(words)


@pytest.mark.parametrize(
    ("part", "language"), [("faults/hang.py", "python"), ("scenarios/proxy-hang.yaml", "yaml")]
)
def test_what_the_guide_quotes_is_what_stands_there(part: str, language: str) -> None:
    """Line by line; `...` stands for the rest of one."""
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    source = (ROOT / "src/trimtab/drills" / part).read_text()
    wanted = source[source.index("class ") :] if language == "python" else source
    (quoted,) = re.findall(rf"(?s)```{language}\n(.*?)```", guide)
    pairs = zip(quoted.splitlines(), wanted.splitlines(), strict=True)
    assert [(ours, theirs) for ours, theirs in pairs if not theirs.startswith(ours.partition("...")[0])] == []
