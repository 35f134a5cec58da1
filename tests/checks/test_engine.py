"""The engine: order, suppression, and that a rule which fails is never a pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.checks.kit import ROOT, subject, told
from trimtab.checks.engine import RuleFailed, run
from trimtab.checks.finding import Hit, Severity
from trimtab.checks.registry import known
from trimtab.checks.rule import Rule
from trimtab.checks.subject import Subject
from trimtab.estate.fault import BadEstate

BASE = (ROOT / "tests/checks/base.yaml").read_text()
BAD = BASE.replace("get: /health}", "get: /health, fall: 1}").replace(
    "get: /api/health}", "get: /api/health, fall: 1}"
)


def rule(name: str, find: Any) -> Rule:
    texts = dict.fromkeys(("TITLE", "WHY", "SOURCE", "BAD", "GOOD", "FIX"), "text")
    return cast(Rule, SimpleNamespace(NAME=name, SEVERITY=Severity.WARNING, find=find, **texts))


def test_a_rule_that_raises_fails_the_run_and_is_named() -> None:
    def broken(_: Subject) -> Iterator[Hit]:
        yield Hit(("zone",), "one was found before", "nothing")
        raise ZeroDivisionError("by design")

    with pytest.raises(
        RuleFailed, match="the rule broken-one failed: ZeroDivisionError: by design"
    ) as caught:
        run(subject(BASE), rules=[rule("broken-one", broken)])
    assert caught.value.exit_code == 1 and caught.value.rule == "broken-one"


def test_a_rule_that_fails_among_the_last_fails_the_run_too() -> None:
    def broken(seen: Subject) -> Iterator[Hit]:
        raise KeyError(len(seen.findings))

    with pytest.raises(RuleFailed):
        run(subject(BASE), last=[rule("broken-two", broken)])


def test_findings_come_in_file_order_each_once() -> None:
    def two(_: Subject) -> Iterator[Hit]:
        yield Hit(("pools", "api"), "later", "x")
        yield Hit(("zone",), "earlier", "x")
        yield Hit(("zone",), "earlier", "x")

    found = run(subject(BASE), rules=[rule("a-b", two)]).findings
    assert [f.key for f in found] == ["zone", "pools.api"]


def test_a_finding_at_an_unwritten_key_stands_at_its_nearest_parent() -> None:
    def one(_: Subject) -> Iterator[Hit]:
        yield Hit(("pools", "web", "check", "fall"), "why", "fix")

    found = run(subject(BASE), rules=[rule("a-b", one)]).findings[0]
    assert found.line == BASE.splitlines().index(next(x for x in BASE.splitlines() if "web: {hosts" in x)) + 1


def test_accept_takes_what_stands_at_its_key_or_below() -> None:
    def fall(accept: str) -> list[str]:
        found = run(subject(f"{BAD}accept: [{accept}]\n")).findings
        return [f.key for f in found if f.rule == "fall-one"]

    assert fall("") == ["pools.web.check.fall", "pools.api.check.fall"]
    assert fall("{rule: fall-one, reason: x}") == []
    assert fall("{rule: fall-one, at: pools.web, reason: x}") == ["pools.api.check.fall"]
    assert fall("{rule: fall-one, at: pools.web.check.fall, reason: x}") == ["pools.api.check.fall"]
    assert fall("{rule: fall-one, at: pools.w, reason: x}") == [
        "pools.web.check.fall",
        "pools.api.check.fall",
    ]


def test_what_is_accepted_is_listed_with_its_reason() -> None:
    found = run(subject(BAD + "accept: [{rule: fall-one, at: pools.api, reason: because}]\n"))
    assert [(s.finding.key, s.reason, s.entry) for s in found.accepted] == [
        ("pools.api.check.fall", "because", 0)
    ]
    assert not found.ok and found.count(Severity.ERROR) == 1


def test_an_end_that_has_passed_no_longer_counts() -> None:
    text = BAD + "accept: [{rule: fall-one, reason: x, until: 2026-01-01}]\n"
    on_the_day = subject(text)
    assert run(on_the_day).ok
    after = run(replace(on_the_day, today=date(2026, 1, 2)))
    assert [f.rule for f in after.findings] == ["fall-one", "fall-one", "accept-without-effect"]
    assert "ended on 2026-01-01" in told(after.findings)


def test_an_entry_that_accepts_nothing_is_a_warning() -> None:
    found = run(subject(BASE + "accept: [{rule: fall-one, reason: x}]\n"))
    assert [f.rule for f in found.findings] == ["accept-without-effect"] and found.ok


def test_accepting_an_unknown_rule_is_a_fault_with_its_line() -> None:
    text = BASE + "accept:\n  - {rule: fall-two, reason: x}\n"
    with pytest.raises(BadEstate) as caught:
        run(subject(text))
    fault = caught.value.faults[0]
    assert (fault.line, fault.key) == (len(text.splitlines()), "accept[0].rule")
    assert fault.hint == "did you mean `fall-one`?"


def test_the_same_file_gives_the_same_report_twice() -> None:
    assert run(subject(BAD)) == run(subject(BAD))


def test_no_rule_shows_a_secret() -> None:
    secret = "Tr0ub4dor-and-3"
    places = {
        "routes:\n": f"routes:\n      - {{path: /old/, redirect: 'https://user:{secret}@www.base.example/old/'}}\n",
        "tls: {hsts: 1y}": f"tls: {{hsts: 1y}}\n    ledger: {{put: 'put --token {secret}', get: 'get password={secret}'}}",
    }
    for old, new in places.items():
        text = BASE.replace(old, new, 1)
        assert secret in text
        found = run(subject(text, secret=lambda _: secret)).findings
        assert any(f.rule == "inline-secret" for f in found)
        assert secret not in told(found)


def test_every_rule_survives_the_smallest_estate() -> None:
    smallest = "estate: a\nzone: a.example\nsites: {one: {id: 1, at: [0, 0], hosts: {router: 1}}}\n"
    assert {f.rule for f in run(subject(smallest)).findings} <= set(known())


def test_an_entry_that_repeats_an_earlier_one_is_a_warning() -> None:
    twice = "accept: [{rule: fall-one, reason: x}, {rule: fall-one, at: pools.web, reason: y}]\n"
    found = run(subject(BAD + twice)).findings
    assert [(f.rule, f.key) for f in found] == [("accept-without-effect", "accept[1]")]
    assert "`accept[0]` accepts fall-one at pools.web already" in found[0].why
    narrow = "accept: [{rule: fall-one, at: pools.web, reason: x}, {rule: fall-one, reason: y}]\n"
    assert run(subject(BAD + narrow)).findings == ()


def test_a_part_of_a_key_may_have_dots() -> None:
    text = BASE + "regions: {default: {at: [50.1, 8.7]}}\nobjectives: {latency: {p99: 1ms, p99.9: 2ms}}\n"
    entry = "accept: [{{rule: latency-under-light, at: {}, reason: x}}]\n"
    for at, left in (("p99", ["p99.9"]), ("p99.9", ["p99"])):
        found = run(subject(text + entry.format(f"objectives.latency.{at}"))).findings
        assert [f.key for f in found] == [f"objectives.latency.{p}" for p in left]


def test_the_rule_that_judges_accept_cannot_be_accepted() -> None:
    with pytest.raises(BadEstate, match="`accept-without-effect` cannot be accepted"):
        run(subject(BASE + "accept: [{rule: accept-without-effect, reason: x}]\n"))


@pytest.mark.parametrize("reason", ['" "', '"   "', '""'])
def test_a_reason_of_blanks_is_none(reason: str) -> None:
    with pytest.raises(BadEstate, match=r"accept\[0\].reason"):
        subject(BAD + f"accept: [{{rule: fall-one, reason: {reason}}}]\n")


def test_a_secret_in_a_reason_is_found_and_not_listed() -> None:
    text = BAD + 'accept: [{rule: fall-one, reason: "as told, password: hunter2hunter2"}]\n'
    found = run(subject(text))
    assert [f.rule for f in found.findings] == ["inline-secret"]
    assert {s.reason for s in found.accepted} == {"as told, (not shown)"}
