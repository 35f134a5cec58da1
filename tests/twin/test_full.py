"""The long ones but for the drills: what `drill run` prints, every host of the shop, the demo as an ordinary user."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.twin.conftest import ROOT, fetch, twin

pytestmark = [pytest.mark.twin, pytest.mark.alone, pytest.mark.full]
SHOP = ROOT / "examples/shop/estate.yaml"
NOBODY = 65534


@pytest.mark.timeout(400)
def test_a_drill_prints_what_its_runs_found() -> None:
    name = "proxy-power-cut"
    done = subprocess.run(
        [sys.executable, "-m", "trimtab", "drill", "run", name, "-e", str(SHOP), "--runs", "3", "--json",
         "--name", f"full-{os.getpid()}"],
        capture_output=True, text=True, timeout=380, check=False,
    )  # fmt: skip
    (result,) = json.loads(done.stdout)
    assert result["scenario"] == name and len(result["runs"]) == 3
    assert (done.returncode, result["verdict"]) == (0, "true"), [run["checks"] for run in result["runs"]]
    assert result["summary"]["lost_orders"] == 0
    for run in result["runs"]:
        assert run["acknowledged_orders"] > 100 and run["lost_orders"] == 0
        assert run["outage_s"] <= result["objective"]["rto_s"]
        assert set(run["p99_ms"]) >= {"before", "during", "after"} and run["phases"]


@pytest.mark.timeout(200)
def test_every_host_of_the_shop_comes_up() -> None:
    with twin("shop", full=True) as lab:
        hosts = [h for h in lab.status()["hosts"] if h["kind"] == "host"]
        assert len(hosts) == 57
        assert fetch(lab, "clients-america", "https://shop.example/")["x-site"] == "la"


@pytest.mark.timeout(400)
@pytest.mark.skipif(os.getuid() != 0, reason="already an ordinary user: the other tests ran as one")
def test_the_demo_runs_for_an_ordinary_user(tmp_path: Path) -> None:
    home = tmp_path / "home"
    checkout = home / "checkout"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(checkout)], check=True, timeout=60)
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    for parent in tmp_path.parents:
        if parent.owner() == "root" and parent != Path("/") and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    try:
        done = subprocess.run(
            ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "scripts/demo"],
            cwd=checkout, capture_output=True, text=True, timeout=380, check=False,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "orders lost              0                      0 of" in done.stdout
    finally:
        shutil.rmtree(home, ignore_errors=True)
