"""The estates that ship: those to start from are clean, and the one that must fail does so for its own reasons."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.checks.kit import ROOT, TODAY, told
from trimtab.checks.engine import check_file
from trimtab.checks.finding import Severity

FAILING = ROOT / "examples/promises"
CLEAN = sorted(p for p in ROOT.glob("examples/*/estate.yaml") if p.parent != FAILING)


@pytest.mark.parametrize("path", CLEAN, ids=lambda p: p.parent.name)
def test_an_example_to_start_from_has_no_error(path: Path) -> None:
    _, report = check_file(path, TODAY)
    assert told(tuple(f for f in report.findings if f.severity is Severity.ERROR)) == ""


@pytest.mark.parametrize("name", ["shop", "enterprise"])
def test_what_an_example_accepts_has_a_reason_and_an_effect(name: str) -> None:
    _, report = check_file(ROOT / "examples" / name / "estate.yaml", TODAY)
    assert told(report.findings) == ""
    assert 0 < len(report.accepted) <= 8 and all(len(s.reason) > 20 for s in report.accepted)


def test_the_promises_of_a_slide_fail_for_their_own_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FAILING)
    _, report = check_file(Path("estate.yaml"), TODAY)
    expected = FAILING / "findings.txt"
    if os.environ.get("TRIMTAB_GOLDEN") == "write":
        expected.write_text(told(report.findings))
    assert told(report.findings) == expected.read_text()
    errors = {f.rule for f in report.findings if f.severity is Severity.ERROR}
    assert not report.ok and errors >= {
        "n-1-bandwidth", "n-1-requests", "n-1-connections", "promise-too-tight", "availability-spent",
        "latency-under-light", "upstream-without-bfd", "dns-ttl-short", "user-agent-persistence", "fall-one",
        "route-unreachable", "garp-storm", "one-dns-node", "registry-quorum",
    }  # fmt: skip


def test_the_arithmetic_of_the_slide_is_the_well_known_one() -> None:
    """1 Tb/s on three sites of 2 x 10 Gb/s: with one site lost, 40 Gb/s are left."""
    _, report = check_file(FAILING / "estate.yaml", TODAY)
    why = next(f.why for f in report.findings if f.rule == "n-1-bandwidth")
    assert why.startswith("1Tbps at peak with 1 of 3 sites lost") and "together 40Gbps (4%)" in why
