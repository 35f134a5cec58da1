"""What the tests of rules share: a file judged as `trimtab check` does, on a day that stays the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from trimtab.checks.engine import run
from trimtab.checks.finding import Finding, Report
from trimtab.checks.subject import SecretReader, Subject, no_secrets
from trimtab.cli.check import secrets_beside
from trimtab.cli.peer_data import peer_data_beside
from trimtab.cli.roas import roas_beside
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import beside_of, read_estate

TODAY = date(2026, 1, 1)
ROOT = Path(__file__).resolve().parents[2]


def subject(
    text: str, file: str = "estate.yaml", secret: SecretReader = no_secrets, folder: Path = ROOT
) -> Subject:
    estate, tree = read_estate(text, file, beside=beside_of(folder / file))
    return Subject(estate, tree, Inventory(estate), TODAY, secret)


def report(path: Path) -> Report:
    """The report of a file under its bare name, so that golden text has no folder in it."""
    found = subject(path.read_text(), path.name, secrets_beside(path), path.parent)
    now = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC).timestamp()
    peers = peer_data_beside(path, now)(found.inventory)
    return run(replace(found, roas=roas_beside(path, now)(found.inventory), peer_data=peers))


def of_rule(path: Path, rule: str) -> list[Finding]:
    return [finding for finding in report(path).findings if finding.rule == rule]


def told(findings: list[Finding] | tuple[Finding, ...]) -> str:
    return "".join(f"{finding}\n" for finding in findings)
