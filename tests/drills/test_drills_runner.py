"""A whole drill against one loopback: real load processes, a real TLS server, a ledger of shell scripts."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from drills_kit import LoopbackLab, Pki, TlsShop, ledger_scripts
from rich.console import Console

from trimtab.drills import play, runner
from trimtab.drills.checkers import load_ran
from trimtab.drills.faults.base import Aim
from trimtab.drills.journal import Journal
from trimtab.drills.report_text import reasons, report, table_lines
from trimtab.drills.result import RunResult
from trimtab.drills.runner import Progress, steady
from trimtab.drills.scenario import Load, Observe, Prepare, Scenario, Step, WaitReady
from trimtab.drills.scenario_file import builtin, find
from trimtab.drills.scene import Region, Scene, Site, Upstream
from trimtab.drills.workload import Counters, Rates
from trimtab.errors import BadInput, EnvironmentUnable, TwinFailed

RATES = Rates(new=40, kept=20, orders=20)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy test machine is not what these tests are about."""
    monkeypatch.setattr(load_ran, "LATE_SECONDS", 30.0)
    monkeypatch.setattr(play, "others", lambda before, after: 0.0)


def quick(load: float = 3.0, name: str = "site-power-cut") -> Scenario:
    """A scenario with shorter observations."""
    scenario = find(name)
    steps: list[Step] = [
        Load(load) if isinstance(step, Load)
        else replace(step, at_least=1.5, at_most=1.5) if isinstance(step, Observe) else step
        for step in scenario.steps
    ]  # fmt: skip
    return replace(scenario, steps=tuple(steps))


def test_a_run_that_others_disturbed_is_played_again(
    pki: Pki, shop: TlsShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = iter([0.5, 0.0])
    monkeypatch.setattr(play, "others", lambda before, after: next(shares))
    lab = LoopbackLab(tmp_path, shop, pki.ca, ledger_scripts(tmp_path))
    scenario = quick()
    never = replace(
        scenario, claims={**scenario.claims, "failed": 0.0}
    )  # its outage breaks this on any machine
    result = runner.run(lab, never, {}, 1, rates=RATES)
    assert [run.verdict for run in result.disturbed] == ["unknown"]
    assert [run.verdict for run in result.runs] == ["false"] and result.verdict == "false"
    assert any("others used 50%" in line for line in reasons(result))
    assert result.to_json()["disturbed_runs"][0]["machine"]["others"] == 0.5


def test_a_drill_measures_judges_and_reports(pki: Pki, shop: TlsShop, tmp_path: Path) -> None:
    lab = LoopbackLab(tmp_path, shop, pki.ca, ledger_scripts(tmp_path), outage=0.5)
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


def test_the_fault_waits_until_the_load_is_well(
    pki: Pki, shop: TlsShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = LoopbackLab(tmp_path, shop, pki.ca, ledger_scripts(tmp_path))
    shop.mode = "503"
    stages: list[str] = []

    def told(progress: Progress) -> None:
        stages.append(progress.stage)
        if stages.count("undisturbed load") > 5 and progress.counters.failed:
            shop.mode = "ok"

    result = runner.run(lab, quick(1.0), {}, 1, told, rates=RATES)
    assert result.verdict == "true", result.runs[0].verdicts
    assert result.runs[0].figures["phases"][0]["to_s"] - result.runs[0].figures["phases"][0]["from_s"] < 2.5


def test_nothing_is_broken_where_the_load_never_is_well(
    pki: Pki, shop: TlsShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(play, "WELL_SECONDS", 2.0)
    lab = LoopbackLab(tmp_path, shop, pki.ca, ledger_scripts(tmp_path))
    shop.mode = "503"
    with pytest.raises(EnvironmentUnable, match="requests failed before anything was broken"):
        runner.run(lab, quick(1.0), rates=RATES)
    assert lab.calls == ["wait_ready"]
    assert all(process.returncode is not None for process in lab.started)


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


def test_a_killed_drill_is_mended_before_the_next_one_measures(
    pki: Pki, shop: TlsShop, tmp_path: Path
) -> None:
    lab = LoopbackLab(tmp_path, shop, pki.ca, ledger_scripts(tmp_path))
    Journal(lab).strike("cable-cut", Aim("hk", (), "", "cut", segments=("wan.hk.sg",)))
    lab.calls.clear()
    result = runner.run(lab, quick(1.0), rates=RATES)
    assert lab.calls == ["mend_cables", "wait_ready", "power_cut", "power_on", "wait_ready"]
    assert result.verdict == "true", result.runs[0].verdicts


def test_what_was_prepared_is_marked_and_undone_after_the_fault(
    pki: Pki, shop: TlsShop, tmp_path: Path
) -> None:
    class Linked(LoopbackLab):
        def status(self) -> dict[str, Any]:
            told = super().status()
            hk = told["facts"]["sites"]["hk"]
            told["facts"]["sites"] = {"hk": {**hk, "links": {"sg": "wan.hk.sg"}}, "sg": {**hk, "hosts": []}}
            return told

        def cut_cables(self, segments: Sequence[str]) -> float:
            self.calls.append("cut_cables")
            return time.monotonic()

    lab = Linked(tmp_path, shop, pki.ca, ledger_scripts(tmp_path))
    scenario = quick(1.0)
    steps = (Prepare("cable-cut", "replica-links"), *scenario.steps)
    result = runner.run(lab, replace(scenario, steps=steps), rates=RATES)
    assert lab.calls == ["wait_ready", "cut_cables", "power_cut", "power_on", "mend_cables", "wait_ready"]
    marks = [
        event["says"] for event in result.runs[0].figures["timeline"]["events"] if event["kind"] == "mark"
    ]
    assert "nothing is replicated from hk to sg any more" in marks


def test_witnesses_are_heard_before_the_fault_before_the_repair_and_at_the_end(
    pki: Pki, shop: TlsShop, tmp_path: Path
) -> None:
    """This machine always has the loopback's address: the proxy hangs, and nobody takes it over."""
    lab = LoopbackLab(tmp_path, shop, pki.ca, ledger_scripts(tmp_path))
    result = runner.run(lab, quick(1.0, "proxy-hang"), rates=RATES)
    (run,) = result.runs
    evidence = run.figures["evidence"]
    assert {when: evidence[when]["vip"]["holder"] for when in ("before", "during", "after")} == {
        "before": "hk-proxy-1", "during": "hk-proxy-1", "after": "hk-proxy-1"
    }  # fmt: skip
    said = {verdict.checker: verdict.value for verdict in run.verdicts}
    assert said.pop("vip") == "false"
    assert set(said.values()) == {"true"}, run.verdicts
    assert result.verdict == "false"


def test_unknown_arguments_are_bad_input(tmp_path: Path) -> None:
    lab = LoopbackLab(tmp_path, TlsShop(1), tmp_path, None)
    with pytest.raises(BadInput, match="no argument upstream") as refused:
        runner.run(lab, quick(), {"upstream": "x"})
    assert refused.value.hint == "there is: site"
    with pytest.raises(BadInput, match="no site 'la'"):
        runner.run(lab, quick(), {"site": "la"})
    with pytest.raises(BadInput, match="no argument host"):
        runner.run(lab, find("transit-loss"), {"host": "x"})


def test_an_upstream_that_the_site_has_not_ends_the_drill_unharmed(
    pki: Pki, shop: TlsShop, tmp_path: Path
) -> None:
    lab = LoopbackLab(tmp_path, shop, pki.ca, ledger_scripts(tmp_path))
    with pytest.raises(BadInput, match="hk has no upstream"):
        runner.run(lab, quick(0.1, "transit-loss"), {"upstream": "x"}, rates=RATES)
    assert lab.calls == ["wait_ready"]
    assert all(process.poll() is not None for process in lab.started)


@pytest.mark.parametrize(("load", "asked"), [("normal", ["normal"]), ("full", ["normal", "full"])])
def test_the_load_that_the_machine_carries_is_asked_first(
    load: str, asked: list[str], monkeypatch: pytest.MonkeyPatch, pki: Pki, shop: TlsShop, tmp_path: Path
) -> None:
    order = []

    def ask(name: str, *_: object) -> Rates:
        order.append(name)
        return RATES

    monkeypatch.setattr(runner, "normal_rates", partial(ask, "normal"))
    monkeypatch.setattr(runner, "full_rates", partial(ask, "full"))
    lab = LoopbackLab(tmp_path, shop, pki.ca, ledger_scripts(tmp_path))
    result = runner.run(lab, quick(1.0), load=load)
    assert order == asked
    assert lab.calls[0] == "wait_ready"
    phases = {phase["phase"]: phase["to_s"] - phase["from_s"] for phase in result.runs[0].figures["phases"]}
    assert result.runs[0].figures["requests"] == pytest.approx(RATES.reads * sum(phases.values()), rel=0.2)


# Who notices a fault: as1 carries hk, as2 la; each region reaches both.

SCENE = Scene(
    "shop", {
        name: Site(
            name, (f"{name}-router-1", f"{name}-proxy-1"), (), "", (),
            upstreams={"up": Upstream("up", transit, f"up.{name}", (), ())},
        )
        for name, transit in (("hk", "as1"), ("la", "as2"))
    }, {
        name: Region(name, f"clients-{name}", near, {}, (), transits)
        for name, near, transits in (("asia", "hk", ("as1", "as2")), ("america", "la", ("as2", "as1")))
    }, None, {}, "/ca.pem", "haproxy",
)  # fmt: skip
PREDICTED = {"outage_s": [0.2, 0.4], "write_outage_s": [0.0, 0.0]}


def served(**sites: str) -> RunResult:
    regions = {name: {"sites": {"before": {site: 100, "sg": 3}}} for name, site in sites.items()}
    return RunResult("true", (), {"regions": regions}, Path("/records"))


@pytest.mark.parametrize(
    ("site", "nodes", "runs", "noticing"),
    [
        ("hk", ("hk-proxy-1",), [served(asia="hk", america="la")], {"asia"}),
        ("la", ("la-proxy-1",), [served(asia="hk", america="la")], {"america"}),
        ("hk", ("as2",), [served(asia="sg", america="la")], {"america"}),
        ("la", ("as2",), [served(asia="hk", america="sg")], set()),
        ("hk", ("as1",), [served(asia="hk", america="hk")], {"asia", "america"}),
        ("hk", ("hk-proxy-1",), [served(asia="sg", america="la"), served(asia="hk", america="la")], {"asia"}),
        ("sg", ("sg-proxy-1",), [served(asia="hk", america="la")], set()),
        ("hk", ("la-router-1", "la-proxy-1"), [served(asia="hk", america="la")], {"asia", "america"}),
        ("hk", (), [], set()),
    ],
)
def test_only_who_was_served_by_what_is_hit_notices(
    site: str, nodes: tuple[str, ...], runs: list[RunResult], noticing: set[str]
) -> None:
    found = runner._by_region(SCENE, site, nodes, runs, PREDICTED)
    wanted = {name: [0.2, 0.4] if name in noticing else [0.0, 0.0] for name in ("asia", "america")}
    assert found == {**PREDICTED, "regions": wanted}


def test_without_a_prediction_no_region_has_one() -> None:
    assert runner._by_region(SCENE, "hk", (), [], {"write_outage_s": [0, 1]}) == {"write_outage_s": [0, 1]}


def test_steady_is_no_new_failure_and_orders_everywhere() -> None:
    def sample(at: float, failed: int, *acknowledged: int) -> tuple[float, Counters]:
        return at, Counters(int(at * 100), failed, acknowledged)

    assert steady([sample(0, 3, 5, 5), sample(2, 3, 7, 7), sample(3.6, 3, 9, 9)])
    assert not steady([sample(0, 3, 5, 5), sample(3.6, 4, 9, 9)])
    assert not steady([sample(0, 3, 5, 5), sample(3.6, 3, 9, 5)])
    assert not steady([sample(0, 3), sample(1, 3)])
    assert not steady([])


def test_the_scenarios_wait_before_they_judge_recovery() -> None:
    for scenario in builtin().values():
        kinds = [type(step) for step in scenario.steps]
        assert kinds.index(WaitReady) == len(kinds) - 2
