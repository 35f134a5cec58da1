"""Each service's promise is judged by what its own clients go through."""

from __future__ import annotations

from tests.estate.make import estate
from tests.timing.make import DEFAULTS, TWO_SITES
from trimtab.checks.predicted import outages, promised_times
from trimtab.checks.subject import Subject
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.timing.budget import budgets, budgets_of
from trimtab.timing.text import table
from trimtab.timing.verdict import Line, all_lines, by_promise

API = "  api: {names: [api.two.example], address: anycast, %s routes: [{pool: web}]}\n"


def text(*, api: str = "", promise: str = "{rto: 1s, write: {rto: 5s}}", **changed: str) -> str:
    """`www` has an address a site that nothing covers; `api` is anycast."""
    found = TWO_SITES.format(**{**DEFAULTS, "covering": "", **changed})
    return found.replace("pools:", API % api + "pools:").replace("{rto: 1s, write: {rto: 5s}}", promise)


def told(source: str, fault: str = "site-power-cut") -> dict[str, Line]:
    inventory = Inventory(estate(source))
    return {line.name: line for line in all_lines(inventory, budgets(inventory)) if line.fault == fault}


def test_a_covered_service_is_not_judged_by_an_uncovered_one() -> None:
    reads = told(text(api="objectives: {rto: 1s},", promise="{write: {rto: 5s}}"))["reads"]
    assert reads.services == ("api",) and reads.promised == 1.0
    assert reads.verdict == "only in the twin" and reads.twin.high < 1


def test_of_several_promises_the_one_that_fares_worst_is_told() -> None:
    assert told(text(api="objectives: {rto: 2s},"))["reads"].verdict == "until repair"
    assert told(text(api="objectives: {rto: 2s},"))["reads"].services == ("www",)
    impossible = told(text(api="objectives: {rto: 100ms},"))["reads"]
    assert (impossible.verdict, impossible.services) == ("cannot be kept", ("api",))


def test_services_with_one_promise_are_judged_together() -> None:
    found = told(text())
    assert found["reads"].verdict == "until repair" and found["reads"].services == ()
    assert len(by_promise(estate(text()))) == 1


def test_the_row_names_the_service() -> None:
    source = text(api="objectives: {rto: 1s},", promise="{availability: 99%}")
    rows = [row for row, _ in table(list(told(source).values()), ("twin",))]
    assert any(row.endswith("only in the twin (api)") for row in rows)


def test_a_pool_that_a_service_does_not_ask_is_nothing_to_it() -> None:
    redirect = "routes: [{pool: web}]}\n"
    source = text().replace(
        API % "", (API % "").replace(redirect, "routes: [{redirect: 'https://x.example/'}]}\n")
    )
    inventory = Inventory(estate(source))
    assert "backend-kill" in {budget.fault for budget in budgets_of(inventory, ("www",))}
    assert "backend-kill" not in {budget.fault for budget in budgets_of(inventory, ("api",))}


def test_checks_ask_for_the_promises_own_services() -> None:
    found, tree = read_estate(text(api="objectives: {rto: 1s},", promise="{rto: 2s}"))
    subject = Subject(found, tree, Inventory(found))
    promises = {promise.whose: promise for promise in promised_times(subject)}
    endless = {
        whose: {one.fault for one in outages(subject, promise.figure) if not one.ends}
        for whose, promise in promises.items()
    }
    assert "site-power-cut" not in endless["api"] and "site-power-cut" in endless["the estate"]
