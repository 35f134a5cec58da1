"""A report as plain data: the project's own JSON object, and SARIF 2.1.0 for code-scanning services."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from trimtab.checks.finding import Finding, Report, Severity, Suppressed
from trimtab.checks.registry import known
from trimtab.checks.rule import Rule
from trimtab.estate.fault import Fault
from trimtab.estate.inventory import Inventory

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
BAD_FILE = "bad-estate"


def as_json(report: Report, inventory: Inventory, seconds: float) -> dict[str, Any]:
    """The object that docs/checks.md documents."""
    return {
        "ok": report.ok,
        "faults": [],
        "findings": [finding_json(f) for f in report.findings],
        "accepted": [{**finding_json(s.finding), "reason": s.reason} for s in report.accepted],
        "errors": report.count(Severity.ERROR),
        "warnings": report.count(Severity.WARNING),
        "sites": len(inventory.estate.sites),
        "hosts": len(inventory.hosts),
        "services": len(inventory.estate.services),
        "seconds": seconds,
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "key": finding.key,
        "why": finding.why,
        "fix": finding.fix,
    }


def faults_json(faults: Iterable[Fault]) -> dict[str, Any]:
    """A file that is no estate: no rule has run."""
    return {"ok": False, "faults": [_fault(f) for f in faults], "findings": [], "accepted": []}


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "file": fault.file,
        "line": fault.line,
        "column": fault.column,
        "key": fault.key,
        "message": fault.message,
        "hint": fault.hint,
    }


def rule_json(rule: Rule) -> dict[str, Any]:
    """A rule's page as data."""
    return {
        "rule": rule.NAME,
        "severity": str(rule.SEVERITY),
        "title": rule.TITLE,
        "why": rule.WHY,
        "source": rule.SOURCE,
        "bad": rule.BAD,
        "good": rule.GOOD,
        "fix": rule.FIX,
    }


def as_sarif(report: Report) -> dict[str, Any]:
    """SARIF 2.1.0: every rule described, one result a finding; accepted ones carry their `suppressions`."""
    rules = list(known().values())
    index = {rule.NAME: i for i, rule in enumerate(rules)}
    results = [_result(f, index[f.rule]) for f in report.findings]
    results += [_suppressed(s, index[s.finding.rule]) for s in report.accepted]
    return _log([_descriptor(rule) for rule in rules], results)


def sarif_of_faults(faults: Sequence[Fault]) -> dict[str, Any]:
    """SARIF of a file that is no estate."""
    text = "the file is no estate: nothing was checked"
    rule = {"id": BAD_FILE, "shortDescription": {"text": text}, "defaultConfiguration": {"level": "error"}}
    results = [
        {
            "ruleId": BAD_FILE,
            "ruleIndex": 0,
            "level": "error",
            "message": {"text": ": ".join(t for t in (f.key, f.message, f.hint) if t)},
            "locations": [_location(f.file, f.line, f.column)],
        }
        for f in faults
    ]
    return _log([rule], results)


def _log(rules: list[dict[str, Any]], results: list[dict[str, Any]]) -> dict[str, Any]:
    driver = {"name": "trimtab", "semanticVersion": version("trimtab"), "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _descriptor(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.NAME,
        "shortDescription": {"text": rule.TITLE},
        "fullDescription": {"text": rule.WHY},
        "help": {"text": f"{rule.WHY}\n\nSource: {rule.SOURCE}\n\n{rule.FIX}\n\n{rule.GOOD}"},
        "defaultConfiguration": {"level": str(rule.SEVERITY)},
    }


def _result(finding: Finding, index: int) -> dict[str, Any]:
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": str(finding.severity),
        "message": {"text": f"{finding.why}. {finding.fix}"},
        "locations": [_location(finding.file, finding.line, finding.column, finding.key)],
    }


def _suppressed(suppressed: Suppressed, index: int) -> dict[str, Any]:
    entry = {"kind": "external", "status": "accepted", "justification": suppressed.reason}
    return {**_result(suppressed.finding, index), "suppressions": [entry]}


def _location(file: str, line: int, column: int, key: str = "") -> dict[str, Any]:
    uri = (
        PurePath(file).as_uri()
        if PurePath(file).is_absolute()
        else quote(os.fsencode(PurePath(file).as_posix()))
    )
    found: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": uri},
            "region": {"startLine": line, "startColumn": column},
        }
    }
    return found | ({"logicalLocations": [{"fullyQualifiedName": key}]} if key else {})
