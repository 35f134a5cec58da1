from __future__ import annotations

import pytest

from tests.estate.make import SMALL, estate
from trimtab.estate.inventory import Inventory
from trimtab.timing.faults import FAULTS, bfd, hold, predict, vrrp


def inventory(extra: str = "") -> Inventory:
    return Inventory(estate(SMALL + extra))


def test_bfd_detects_between_two_and_three_intervals() -> None:
    time = bfd(inventory()).time
    assert (time.low, time.high) == (pytest.approx(0.2), pytest.approx(0.3))


def test_the_sources_vrrp_timers_take_two_to_four_seconds() -> None:
    time = vrrp(inventory("vrrp: {advert: 1s, priorities: [150, 100]}\n")).time
    assert (time.low, time.high) == (pytest.approx(2.609, abs=0.001), pytest.approx(3.609, abs=0.001))


def test_a_session_without_bfd_waits_for_the_hold_timer() -> None:
    plain = SMALL.replace("2001:db8:ff01::1]}", "2001:db8:ff01::1], bfd: false}")
    found = predict(Inventory(estate(plain)), "site-power-cut")["outage_s"]
    assert found == [pytest.approx(6.0), pytest.approx(9.1)]
    assert hold(inventory()).time.high == 9


def test_writes_are_never_predicted_to_be_better_than_reads() -> None:
    for fault in FAULTS:
        found = predict(inventory(), fault)
        assert found["write_outage_s"][1] >= found["outage_s"][1] >= found["outage_s"][0] >= 0


def test_every_term_has_a_source() -> None:
    for predictor in FAULTS.values():
        for prediction in predictor(inventory()).values():
            assert prediction.terms and all(term.source and term.what for term in prediction.terms)


def test_an_unknown_fault_has_no_prediction() -> None:
    assert predict(inventory(), "meteorite") == {}
