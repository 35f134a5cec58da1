"""Each rule has a folder `rules/NAME/` with `bad.yaml`, the findings that it must give, and `good.yaml`, which gives none.

After a change that is meant, `TRIMTAB_GOLDEN=write pytest tests/checks` writes the findings anew: read the diff.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checks.kit import of_rule, report, told
from trimtab.checks import rules as package
from trimtab.checks.finding import Severity
from trimtab.checks.registry import known, table
from trimtab.checks.rule import Rule

PAIRS = Path(__file__).parent / "rules"
NAMES = sorted(known())


@pytest.fixture(params=NAMES)
def rule(request: pytest.FixtureRequest) -> Rule:
    return known()[request.param]


def test_the_bad_example_gives_its_findings(rule: Rule) -> None:
    found = told(of_rule(PAIRS / rule.NAME / "bad.yaml", rule.NAME))
    expected = PAIRS / rule.NAME / "bad.findings"
    if os.environ.get("TRIMTAB_GOLDEN") == "write":
        expected.write_text(found)
    assert found, "the bad example has not the defect"
    assert found == expected.read_text()


def test_the_good_example_is_without_it(rule: Rule) -> None:
    assert told(of_rule(PAIRS / rule.NAME / "good.yaml", rule.NAME)) == ""


def test_what_explain_shows_is_what_was_tried(rule: Rule) -> None:
    for snippet, file in ((rule.BAD, "bad.yaml"), (rule.GOOD, "good.yaml")):
        shown = yaml.load(snippet, Loader=yaml.BaseLoader)
        tried = yaml.load((PAIRS / rule.NAME / file).read_text(), Loader=yaml.BaseLoader)
        assert within(shown, tried), f"{file} of {rule.NAME} does not contain the snippet"


def within(part: Any, whole: Any) -> bool:
    """Every key of `part` is in `whole` with the same value; lists are equal."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(k in whole and within(v, whole[k]) for k, v in part.items())
    return bool(part == whole)


def test_every_rule_says_what_why_whence_and_what_to_do(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.NAME)
    assert rule.SEVERITY in set(Severity)
    for name in ("TITLE", "WHY", "SOURCE", "BAD", "GOOD", "FIX"):
        text = getattr(rule, name)
        assert text.strip() and "TODO" not in text, name
    assert len(rule.TITLE) <= 90 and not rule.TITLE.endswith(".")
    assert len(rule.WHY.split()) >= 15, "say what happens because of it"
    assert rule.WHY.endswith(".") and rule.FIX.endswith(".")


def test_a_message_has_no_full_stop_and_fits_a_report(rule: Rule) -> None:
    for finding in of_rule(PAIRS / rule.NAME / "bad.yaml", rule.NAME):
        assert finding.severity is rule.SEVERITY
        assert not finding.why.endswith(".") and not finding.fix.endswith(".")
        assert finding.why.isprintable() and finding.fix.isprintable()


def test_files_pairs_and_registry_name_the_same_rules() -> None:
    files = {p.stem.replace("_", "-") for p in Path(package.__path__[0]).glob("*.py")} - {"--init--"}
    assert files == set(NAMES) == {p.name for p in PAIRS.iterdir()}
    for name, found in known().items():
        assert str(getattr(found, "__file__", "")).endswith(f"/{name.replace('-', '_')}.py")
    assert len(NAMES) >= 35


def test_two_rules_of_one_name_are_refused() -> None:
    first = next(iter(known().values()))
    with pytest.raises(RuntimeError, match=first.NAME):
        table([first, first])


def test_the_good_examples_share_one_estate_without_any_finding() -> None:
    """What `scripts/new_rule` copies is clean, so a new pair shows its own defect only."""
    assert told(report(PAIRS.parent / "base.yaml").findings) == ""
