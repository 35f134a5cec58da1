"""What must hold for every estate: slower timers never make a fault shorter, and sums are sums."""

from __future__ import annotations

import math
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.timing.make import two_sites
from trimtab.estate.inventory import Inventory
from trimtab.timing.budget import budgets, explain
from trimtab.timing.faults import FAULTS, predict, table
from trimtab.timing.layout import WORLDS
from trimtab.timing.parts import Group, Prediction, Term, walk

milliseconds = st.integers(1, 30).map(lambda n: n * 100)
changes = st.fixed_dictionaries({
    "bfd": milliseconds.map(lambda ms: f"{ms}ms"), "hold": st.integers(3, 90).map(lambda s: f"{s}s"),
    "advert": milliseconds.map(lambda ms: f"{ms}ms"), "every": milliseconds.map(lambda ms: f"{ms}ms"),
    "fast": milliseconds.map(lambda ms: f"{ms}ms"), "fall": st.integers(1, 5).map(str),
    "connect": st.sampled_from(["50ms", "150ms", "1s", "5s"]), "retries": st.sampled_from(["0", "3"]),
    "engine": st.sampled_from(["haproxy", "nginx"]), "preempt": st.sampled_from(["true", "false"]),
    "upstream_bfd": st.sampled_from(["true", "false"]), "covering": st.sampled_from(["", ", 198.18.0.0/22"]),
    "address": st.sampled_from(["site", "anycast"]), "proxies": st.sampled_from(["1", "2"]),
    "backends": st.sampled_from(["1", "3"]),
})  # fmt: skip
LONGER = ("bfd", "hold", "advert", "every", "fast", "fall")


def every_prediction(inventory: Inventory) -> dict[tuple[str, str, str], Prediction]:
    found = {}
    for budget in budgets(inventory):
        for world in WORLDS:
            predictions = budget.twin if world == "twin" else budget.internet
            found |= {(budget.fault, world, key): one for key, one in predictions.items()}
    return found


@settings(max_examples=60, deadline=None)
@given(changes, st.sampled_from(LONGER))
def test_longer_timers_never_shorten_a_prediction(changed: dict[str, str], key: str) -> None:
    digits = "".join(c for c in changed[key] if c.isdigit())
    slower = {**changed, key: changed[key].replace(digits, str(2 * int(digits)))}
    before, after = every_prediction(two_sites(**changed)), every_prediction(two_sites(**slower))
    assert before.keys() == after.keys()
    for name, prediction in before.items():
        assert after[name].total.low >= prediction.total.low - 1e-9, name
        assert after[name].total.high >= prediction.total.high - 1e-9, name


@settings(max_examples=40, deadline=None)
@given(changes)
def test_every_prediction_is_sound(changed: dict[str, str]) -> None:
    for name, prediction in every_prediction(two_sites(**changed)).items():
        span = prediction.total
        assert 0 <= span.low <= span.high, name
        assert prediction.terms, name
        for _, part in walk(prediction.part):
            if isinstance(part, Term):
                assert part.layer and part.what and part.source and part.kind
            else:
                assert_joined(part)


def assert_joined(group: Group) -> None:
    lows, highs = [p.time.low for p in group.parts], [p.time.high for p in group.parts]
    low, high = {
        "sum": (math.fsum(lows), math.fsum(highs)),
        "last": (max(lows), max(highs)),
        "first": (min(lows), min(highs)),
        "either": (min(lows), max(highs)),
    }[group.join]
    assert (group.time.low, group.time.high) == (pytest.approx(low), pytest.approx(high))


@settings(max_examples=20, deadline=None)
@given(changes)
def test_the_internet_is_never_quicker_than_the_twins_worst_case(changed: dict[str, str]) -> None:
    """Everything that happens in the twin happens outside too, but for DNS, which the twin lacks."""
    for budget in budgets(two_sites(**changed)):
        for key, twin in budget.twin.items():
            internet = budget.internet[key]
            if "dns" not in {term.layer for term in internet.terms}:
                assert internet.total.high >= twin.total.high - 1e-9, (budget.fault, key)


def test_explain_tells_every_term_in_reading_order() -> None:
    inventory = two_sites()
    for fault in FAULTS:
        told = explain(inventory, fault)
        terms = [entry for entry in told if entry["join"] is None]
        assert all(entry["layer"] and entry["what"] and entry["source"] and entry["kind"] for entry in terms)
        assert {entry["world"] for entry in told} == (set(WORLDS) if told else set())
        for figure, (low, high) in predict(inventory, fault).items():
            whole = next(e for e in told if e["world"] == "twin" and e["figure"] == figure)
            assert (
                whole["depth"] == 0
                and whole["high"] == high
                and max(0.0, whole["low"] or 0.0) == (low or 0.0)
            )
            assert whole["of"] == ("reads" if figure == "outage_s" else "writes")


def test_an_unknown_fault_has_no_prediction_and_no_terms() -> None:
    assert predict(two_sites(), "meteorite") == {} and explain(two_sites(), "meteorite") == []


def test_two_models_of_one_name_are_refused() -> None:
    model = next(iter(FAULTS.values()))
    with pytest.raises(ValueError, match="two models"):
        table([model, model])


def test_every_drill_has_a_model() -> None:
    folder = resources.files("trimtab.drills") / "scenarios"
    drills = {file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml")}
    assert drills and drills <= set(FAULTS)
