"""The open-loop client against a real TLS server."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from drills_kit import Pki, TlsShop, make_pki

from trimtab.drills.load.budget import Retries
from trimtab.drills.load.client import due_s
from trimtab.drills.load.record import RecordCutShortError, Row, read_record
from trimtab.drills.load.spec import LoadSpec, Target

# A load that leaves on time is what is tried: beside others it is their time that is read.
pytestmark = pytest.mark.alone


def run_load(
    pki: Pki, shop: TlsShop, folder: Path, meanwhile: Callable[[], None] = lambda: None, **other: Any
) -> list[Row]:
    targets = tuple(
        Target(name, f"{name}.shop.example", "/", address, shop.port)
        for name in ("www", "api")
        for address in ("127.0.0.1", "::1")
    )
    # slow enough for a busy machine, where a time-out would be the machine's and not the server's
    usual: dict[str, Any] = {
        "new_rate": 60.0,
        "kept_rate": 30.0,
        "duration": 1.5,
        "retry_pause": (0.1, 0.1),
        "timeout": 10,
    }
    sources = {"4": tuple(f"127.0.0.{number}" for number in range(11, 211))}
    given = {"targets": targets, "sources": sources, **usual, **other}
    spec = LoadSpec(region="asia", ca=str(pki.ca), out=str(folder / "out.gz"), **given)
    spec.write(folder / "spec.json")
    argv = [sys.executable, "-m", "trimtab.drills.load", str(folder / "spec.json")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["failed"] == 0
        meanwhile()
        process.wait(timeout=30)
        assert process.returncode == 0
    return read_record(folder / "out.gz")[0]


def test_a_rate_grows_evenly_to_what_it_is() -> None:
    times = [due_s(number, 100.0, 2.0) for number in range(301)]
    assert times == sorted(times)
    assert (times[0], times[25], times[100]) == (0.0, 1.0, 2.0), (
        "a quarter in half of the ramp, half of the rate in all of it"
    )
    assert [round(b - a, 6) for a, b in pairwise(times[100:])] == [0.01] * 200
    assert [due_s(number, 100.0, 0.0) for number in range(3)] == [0.0, 0.01, 0.02]


def test_both_streams_run_open_loop_over_everything(pki: Pki, shop: TlsShop, tmp_path: Path) -> None:
    rows = run_load(pki, shop, tmp_path)
    kinds = Counter(row.kind for row in rows)
    assert kinds["new"] == pytest.approx(2 * (kinds["kept"] + kinds["opened"]), abs=4)
    assert len(rows) == pytest.approx(90 * (rows[-1].start - rows[0].start), rel=0.2)
    assert all(row.ok and row.status == 200 and row.site == "hk" and row.backend == "b1" for row in rows)
    assert {(row.service, row.family) for row in rows} == {("www", 4), ("www", 6), ("api", 4), ("api", 6)}
    assert len(shop.peers) > 15
    assert shop.hosts == {f"www.shop.example:{shop.port}", f"api.shop.example:{shop.port}"}
    assert shop.connections < kinds["new"] + 30, "kept connections are reused"


def test_an_outage_slows_nothing_down_and_is_retried(pki: Pki, shop: TlsShop, tmp_path: Path) -> None:
    def outage() -> None:
        time.sleep(0.5)  # the outage itself, not a wait for anything
        shop.mode = "silent"
        time.sleep(0.3)
        shop.mode = "reset"
        time.sleep(0.2)
        shop.mode = "ok"

    rows = run_load(pki, shop, tmp_path, outage, duration=2.0, timeout=0.25)
    spacing = [(rows[-1].start - rows[0].start) * 90, len(rows)]
    assert spacing[1] == pytest.approx(spacing[0], rel=0.2), (
        "requests left on time whatever became of the earlier ones"
    )
    failed = [row for row in rows if not row.ok]
    assert failed
    assert "timeout" in {row.error for row in failed}
    assert all(row.attempts == 2 for row in failed)
    assert sum(row.ok_after_retry for row in failed) > 0
    assert rows[-1].ok_after_retry


def test_a_reused_connection_that_was_closed_is_repeated_and_no_failure(
    pki: Pki, shop: TlsShop, tmp_path: Path
) -> None:
    shop.answers_a_connection = 2
    rows = run_load(pki, shop, tmp_path)
    assert all(row.ok for row in rows)
    kept = sum(row.kind == "kept" for row in rows)
    assert shop.connections >= len(rows) - kept / 2 - 16


def test_an_answer_that_is_an_error_fails(pki: Pki, shop: TlsShop, tmp_path: Path) -> None:
    rows = run_load(pki, shop, tmp_path, lambda: setattr(shop, "mode", "503"), kept_rate=0)
    failed = [row for row in rows if not row.ok]
    assert {(row.error, row.ok_after_retry) for row in failed} == {("status 503", False)}


def test_a_certificate_that_is_not_trusted_fails(pki: Pki, shop: TlsShop, tmp_path: Path) -> None:
    (other := tmp_path / "other").mkdir()
    rows = run_load(make_pki(other), shop, tmp_path, new_rate=20, kept_rate=0, duration=0.5)
    assert rows
    assert all("certificate" in row.error for row in rows)


def test_the_end_of_input_ends_it(pki: Pki, shop: TlsShop, tmp_path: Path) -> None:
    spec = LoadSpec("asia", (Target("www", "www.shop.example", "/", "127.0.0.1", shop.port),), str(pki.ca),
                    str(tmp_path / "o.gz"), {})  # fmt: skip
    spec.write(tmp_path / "s.json")
    argv = [sys.executable, "-m", "trimtab.drills.load", str(tmp_path / "s.json")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdin
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(timeout=10) == 0
    read_record(tmp_path / "o.gz")


def test_a_record_that_was_cut_short_is_refused(pki: Pki, shop: TlsShop, tmp_path: Path) -> None:
    run_load(pki, shop, tmp_path, duration=0.5)
    whole = (tmp_path / "out.gz").read_bytes()
    (tmp_path / "part.gz").write_bytes(whole[:-20])
    (tmp_path / "none.gz").write_bytes(b"")
    for name in ("part.gz", "none.gz"):
        with pytest.raises(RecordCutShortError):
            read_record(tmp_path / name)


def test_a_bad_spec_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"region": "asia"}')
    done = subprocess.run(
        [sys.executable, "-m", "trimtab.drills.load", str(tmp_path / "s.json")], capture_output=True
    )
    assert done.returncode == 2
    assert b"not a load spec" in done.stderr


def test_retries_have_a_budget() -> None:
    retries = Retries(rate=10.0, burst=3.0, pauses=(0.2, 0.4), seed=1)
    pauses = [retries.pause(100.0) for _ in range(4)]
    assert all(pause is not None and 0.2 <= pause <= 0.4 for pause in pauses[:3])
    assert pauses[3] is None
    assert retries.pause(100.11) is not None
    assert retries.pause(100.12) is None


@pytest.mark.parametrize("first", ["127.0.0.9", "192.0.2.1"])
def test_a_client_takes_the_next_address_where_one_gives_no_connection(
    pki: Pki, shop: TlsShop, tmp_path: Path, first: str
) -> None:
    """The first one refuses, the second is silent or has no way to it: RFC 8305 waits 250 ms for it."""
    target = Target("www", "www.shop.example", "/", first, shop.port, ("127.0.0.1",))
    rows = run_load(
        pki, shop, tmp_path, targets=(target,), sources={}, new_rate=20.0, kept_rate=10.0, duration=1.0
    )
    assert len(rows) > 20 and all(row.ok for row in rows), Counter(row.error for row in rows)
    assert {row.address for row in rows} == {"127.0.0.1"}, "where it was served, not where it began"


def test_without_another_address_it_fails(pki: Pki, shop: TlsShop, tmp_path: Path) -> None:
    target = Target("www", "www.shop.example", "/", "127.0.0.9", shop.port)
    rows = run_load(
        pki, shop, tmp_path, targets=(target,), sources={}, new_rate=20.0, kept_rate=0.0, duration=0.5
    )
    assert rows and {(row.error, row.address) for row in rows} == {("ECONNREFUSED", "127.0.0.9")}
