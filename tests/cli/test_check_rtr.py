"""`trimtab check --rtr` against StayRTR: its ROAs are judged as those of a file are, and one that is away or empty is said."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from trimtab.checks.engine import check_file
from trimtab.checks.subject import no_secrets
from trimtab.cli.roas import roas_beside

pytestmark = pytest.mark.daemon
RULES = Path(__file__).parents[1] / "checks/rules"


@contextmanager
def stayrtr(roas: Path) -> Iterator[int]:
    program = shutil.which("stayrtr")
    assert program, "scripts/bootstrap brings it"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["-bind", f"127.0.0.1:{port}", "-cache", str(roas), "-checktime=false", "-metrics.addr="]
    with subprocess.Popen([program, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            until = time.monotonic() + 10
            while socket.socket().connect_ex(("127.0.0.1", port)):
                assert time.monotonic() < until, "it does not listen"
                time.sleep(0.05)
            yield port
        finally:
            running.kill()


def found(folder: Path, port: int) -> list[tuple[str, str]]:
    """(rule, why) of everything about ROAs."""
    text = (RULES / "roa-missing/good.yaml").read_text()
    file = folder / "estate.yaml"
    file.write_text(text.replace("rpki: {roas: good.json}", f'rpki: {{validators: ["127.0.0.1:{port}"]}}'))
    _, report = check_file(file, date(2026, 1, 1), no_secrets, roas_beside(file, time.time(), rtr=True))
    return [(each.rule, each.why) for each in report.findings if each.rule.startswith("roa")]


def test_a_validators_roas_are_judged(tmp_path: Path) -> None:
    with stayrtr(RULES / "roa-missing/good.json") as port:
        assert found(tmp_path, port) == []
    with stayrtr(RULES / "roa-other-origin/bad.json") as port:
        rules = {rule for rule, _ in found(tmp_path, port)}
        assert rules == {"roa-other-origin"}
    assert [(r, "nobody answers" in w) for r, w in found(tmp_path, port)] == [("roas-unusable", True)]


def test_one_without_data_is_said(tmp_path: Path) -> None:
    empty = tmp_path / "empty.json"
    empty.write_text('{"roas": []}')
    with stayrtr(empty) as port:
        ((rule, why),) = found(tmp_path, port)
    assert rule == "roas-unusable"
    assert (
        "knows no ROA at all" in why or "has no data yet" in why
    )  # StayRTR 0.5 tells an empty list, 0.6 refuses
