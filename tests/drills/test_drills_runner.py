"""A whole drill against one loopback: real load processes, a real TLS server, a ledger of shell scripts."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from drills_kit import LoopbackLab, Pki, TlsShop, ledger_scripts
from rich.console import Console

from trimtab.drills import runner
from trimtab.drills.checkers import load_ran
from trimtab.drills.crew import Counters, Rates
from trimtab.drills.report_text import report, table_lines
from trimtab.drills.runner import Progress, steady
from trimtab.drills.scenario import Observe, Scenario, Step, WaitReady, find
from trimtab.errors import BadInput, TwinFailed

RATES = Rates(new=40, kept=20, orders=20)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy test machine is not what these tests are about."""
    monkeypatch.setattr(load_ran, "LATE_SECONDS", 30.0)


def quick() -> Scenario:
    """site-power-cut with shorter observations."""
    scenario = find("site-power-cut")
    steps: list[Step] = [
        replace(step, at_least=1.5, at_most=1.5) if isinstance(step, Observe) else step
        for step in scenario.steps
    ]
    return replace(scenario, steps=tuple(steps))


def test_a_drill_measures_judges_and_reports(pki: Pki, shop: TlsShop, tmp_path: Path) -> None:
    lab = LoopbackLab(tmp_path, shop, pki.ca, ledger_scripts(tmp_path))
    told: list[Progress] = []
    result = runner.run(lab, quick(), {}, 2, told.append, rates=RATES, predicted={"outage_s": [0.21, 0.45]})

    assert [run.verdict for run in result.runs] == ["true", "true"], [run.verdicts for run in result.runs]
    assert all(0.1 < run.figures["outage_s"] < 1.0 for run in result.runs)
    found = json.loads(json.dumps(result.to_json()))
    assert found["verdict"] == "true"
    assert found["summary"]["outage_s"]["max"] == max(run["outage_s"] for run in found["runs"])
    assert found["summary"]["lost_orders"] == 0
    assert found["predicted"]["outage_s"] == [0.21, 0.45]
    assert set(found["predicted"]["regions"]) == set(found["runs"][0]["regions"])
    assert found["objective"]["rto_s"] == 1.0
    one = found["runs"][0]
    assert one["requests"] > one["failed"] > one["failed_after_retry"] >= 0
    assert one["acknowledged_orders"] > 30
    assert set(one["p99_ms"]) == {"before", "during", "recovery", "after"}
    assert [phase["phase"] for phase in one["phases"]] == ["before", "during", "recovery", "after"]
    assert one["machine"]["cpus"]
    assert lab.calls == ["wait_ready", "power_cut", "power_on", "wait_ready"] * 2
    assert told[-1].run == 2
    assert told[-1].counters.sent > 0
    assert all(process.returncode is not None for process in lab.started)

    text = io.StringIO()
    report(result, Console(file=text), 23.0)
    assert "reads, asia" in text.getvalue()
    assert "0.21–0.45 s" in text.getvalue()
    assert "23 s" in text.getvalue()
    assert table_lines(result)[0][1] == "≤ 1 s"


def test_without_a_ledger_nothing_is_known_about_orders(pki: Pki, shop: TlsShop, tmp_path: Path) -> None:
    result = runner.run(LoopbackLab(tmp_path, shop, pki.ca, None), quick(), rates=RATES)
    assert result.verdict == "unknown"
    assert result.runs[0].figures["lost_orders"] is None
    assert result.worst("write_outage_s") is None


def test_an_outage_beyond_the_promise_is_false(pki: Pki, shop: TlsShop, tmp_path: Path) -> None:
    lab = LoopbackLab(tmp_path, shop, pki.ca, ledger_scripts(tmp_path), outage=1.3)
    steps = [
        replace(step, at_least=3.0, at_most=3.0) if isinstance(step, Observe) else step
        for step in quick().steps
    ]
    result = runner.run(lab, replace(quick(), steps=tuple(steps)), rates=RATES)
    assert result.verdict == "false"
    assert result.worst("outage_s") == pytest.approx(1.3, abs=0.4)


def test_a_twin_that_does_not_come_back_ends_the_drill(pki: Pki, shop: TlsShop, tmp_path: Path) -> None:
    class Broken(LoopbackLab):
        def wait_ready(self, timeout: float, on_wait: object = None) -> float:
            if "power_on" in self.calls:
                raise TwinFailed("hk-router-1 is not ready")
            return 0.0

    result = runner.run(
        Broken(tmp_path, shop, pki.ca, ledger_scripts(tmp_path)), quick(), runs=3, rates=RATES
    )
    assert result.verdict == "false"
    assert len(result.runs) == 1


class Interrupting(LoopbackLab):
    def power_cut(self, nodes: Sequence[str]) -> float:
        raise KeyboardInterrupt


def test_an_interrupted_drill_leaves_no_process(pki: Pki, shop: TlsShop, tmp_path: Path) -> None:
    lab = Interrupting(tmp_path, shop, pki.ca, ledger_scripts(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        runner.run(lab, quick(), rates=RATES)
    assert len(lab.started) == 2
    assert all(process.poll() is not None for process in lab.started)


def test_hosts_left_without_power_get_it_back_first(pki: Pki, shop: TlsShop, tmp_path: Path) -> None:
    class Dark(Interrupting):
        def status(self) -> dict[str, object]:
            return {**super().status(), "hosts": [{"name": "hk-proxy-1", "powered": False}]}

    lab = Dark(tmp_path, shop, pki.ca, None)
    with pytest.raises(KeyboardInterrupt):
        runner.run(lab, quick(), rates=RATES)
    assert lab.calls[:2] == ["power_on", "wait_ready"]


def test_unknown_arguments_are_bad_input(tmp_path: Path) -> None:
    lab = LoopbackLab(tmp_path, TlsShop(1), tmp_path, None)
    with pytest.raises(BadInput, match="no argument upstream"):
        runner.run(lab, quick(), {"upstream": "x"})
    with pytest.raises(BadInput, match="no site 'la'"):
        runner.run(lab, quick(), {"site": "la"})


def test_steady_is_no_new_failure_and_orders_everywhere() -> None:
    def sample(at: float, failed: int, *acknowledged: int) -> tuple[float, Counters]:
        return at, Counters(int(at * 100), failed, acknowledged)

    assert steady([sample(0, 3, 5, 5), sample(2, 3, 7, 7), sample(3.6, 3, 9, 9)])
    assert not steady([sample(0, 3, 5, 5), sample(3.6, 4, 9, 9)])
    assert not steady([sample(0, 3, 5, 5), sample(3.6, 3, 9, 5)])
    assert not steady([sample(0, 3), sample(1, 3)])
    assert not steady([])


def test_the_scenarios_wait_before_they_judge_recovery() -> None:
    for name in ("site-power-cut", "proxy-power-cut", "proxy-process-kill"):
        kinds = [type(step) for step in find(name).steps]
        assert kinds.index(WaitReady) == len(kinds) - 2
