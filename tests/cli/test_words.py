"""Texts that the field has a better word for, and that were replaced: they do not come back."""

from __future__ import annotations

import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REPLACED = (
    "carry; without",
    "is so already",
    "takes nothing now;",
    "of its daemons nobody knows",
    "left who says that he is well",
    "nobody outside hears it",
    "registry away",
    "over what may be overruled",
    "as if it had not been asked",
    "standing word",
    "front door",
    "looks on ",
    "members-untold",
    "site-ill",
    "operator's hand",
)
# Names of the code that the field has another one for. A record's kind `hand` and `gate` are read by older agents and stay.
NAMES = (
    "Nonsense", "AnswerIsNo", "Unasked", "Seat", "seat", "seated", "seat_of", "Hand", "ProxyHand", "plan_hand", "Gate",
    "strangers", "WITNESSES", "Crew", "Blind",
)  # fmt: skip


def shown() -> list[Path]:
    """Whatever a user reads: docs, the README, strings of the source."""
    docs = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    return [*(each for each in docs if each.name != "CHANGELOG.md"), *(ROOT / "src").rglob("*.py")]


@pytest.mark.parametrize("text", REPLACED)
def test_a_replaced_text_stays_away(text: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in shown()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if text in line
    ]
    assert found == []


def names(path: Path) -> set[str]:
    with path.open("rb") as file:
        return {token.string for token in tokenize.tokenize(file.readline) if token.type == tokenize.NAME}


def test_a_replaced_name_stays_away() -> None:
    for path in (ROOT / "src").rglob("*.py"):
        assert not names(path) & set(NAMES), path
