"""The JSON object and SARIF 2.1.0, as programs read them."""

from __future__ import annotations

from typing import Any

from tests.checks.kit import ROOT, subject
from trimtab.checks.engine import run
from trimtab.checks.output import as_json, as_sarif, faults_json, sarif_of_faults
from trimtab.checks.registry import known
from trimtab.estate.fault import Fault

BASE = (ROOT / "tests/checks/base.yaml").read_text()
TEXT = BASE + "accept: [{rule: one-site, reason: unused}]\n"
TEXT = TEXT.replace("get: /health}", "get: /health, fall: 1}").replace(
    "preempt: false", "preempt: false, advert: 200ms"
)
ACCEPTED = TEXT.replace("{rule: one-site, reason: unused}", "{rule: fall-one, reason: because}")


def sarif(text: str, file: str = "estates/my estate.yaml") -> dict[str, Any]:
    return as_sarif(run(subject(text, file)))


def test_the_json_object_is_the_documented_one() -> None:
    judged = subject(TEXT)
    found = as_json(run(judged), judged.inventory, 0.1)
    assert list(found) == [
        "ok", "faults", "findings", "accepted", "errors", "warnings", "sites", "hosts", "services", "seconds"
    ]  # fmt: skip
    assert (found["ok"], found["errors"], found["warnings"], found["sites"]) == (False, 1, 1, 2)
    assert [f["rule"] for f in found["findings"]] == ["fall-one", "accept-without-effect"]
    assert list(found["findings"][0]) == ["rule", "severity", "file", "line", "column", "key", "why", "fix"]


def test_accepted_findings_are_listed_in_json() -> None:
    judged = subject(ACCEPTED)
    found = as_json(run(judged), judged.inventory, 0.1)
    assert found["ok"] and found["findings"] == [] and found["accepted"][0]["reason"] == "because"


def test_sarif_has_the_shape_of_2_1_0() -> None:
    log = sarif(TEXT)
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json") and len(log["runs"]) == 1
    run_ = log["runs"][0]
    driver = run_["tool"]["driver"]
    assert driver["name"] == "trimtab" and driver["semanticVersion"].count(".") == 2
    assert [r["id"] for r in driver["rules"]] == list(known())
    for described in driver["rules"]:
        assert described["defaultConfiguration"]["level"] in ("error", "warning")
        assert all(described[k]["text"] for k in ("shortDescription", "fullDescription", "help"))
    assert len(run_["results"]) == 2
    for result in run_["results"]:
        assert_result(result, driver["rules"])


def assert_result(result: dict[str, Any], rules: list[dict[str, Any]]) -> None:
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["level"] in ("error", "warning") and result["message"]["text"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "estates/my%20estate.yaml"
    assert place["region"]["startLine"] >= 1 and place["region"]["startColumn"] >= 1


def test_an_accepted_finding_is_a_suppressed_result() -> None:
    results = sarif(ACCEPTED)["runs"][0]["results"]
    assert [r["suppressions"] for r in results] == [
        [{"kind": "external", "status": "accepted", "justification": "because"}]
    ]
    assert all("suppressions" not in r for r in sarif(TEXT)["runs"][0]["results"])


def test_a_file_that_is_no_estate_is_an_error_in_both() -> None:
    faults = [Fault("/x/e.yaml", 3, 5, "zone", "the key is required", "write it")]
    assert faults_json(faults)["ok"] is False and faults_json(faults)["faults"][0]["line"] == 3
    result = sarif_of_faults(faults)["runs"][0]["results"][0]
    assert result["level"] == "error" and result["message"]["text"] == "zone: the key is required: write it"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "file:///x/e.yaml"
