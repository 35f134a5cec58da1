"""scripts/consul: quick when there is one, nothing half when there is none, and a real one (`full`)."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "consul"


def start(cache: Path, **more: str) -> subprocess.Popen[str]:
    env = {"PATH": "/usr/bin:/bin", "HOME": str(cache), "TRIMTAB_CACHE": str(cache), **more}
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        if name in os.environ:
            env.setdefault(name, os.environ[name])
    return subprocess.Popen(
        [SCRIPT], env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def bring(cache: Path, **more: str) -> tuple[int, str, str]:
    process = start(cache, **more)
    out, err = process.communicate(timeout=240)
    return process.returncode, out, err


def test_the_newest_that_is_there_is_named_and_nothing_is_brought(tmp_path: Path) -> None:
    for version in ("1.8.7", "1.10.2"):
        (tmp_path / f"consul-{version}").mkdir()
        (tmp_path / f"consul-{version}" / "consul").touch(mode=0o755)
    assert bring(tmp_path, DEBIAN_MIRROR="file:/nowhere") == (0, f"{tmp_path}/consul-1.10.2/consul\n", "")


def test_a_mirror_without_it_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    code, out, err = bring(tmp_path / "cache", DEBIAN_MIRROR=f"file:{tmp_path}/nowhere")
    assert (code, out) == (3, "")
    assert "no package consul" in err and "DEBIAN_MIRROR=URL" in err
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.full
def test_the_package_is_brought_and_one_that_was_killed_leaves_nothing_half(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    killed = start(cache)
    ends = time.monotonic() + 60
    while not list(cache.glob(".consul.*/lists/*Packages*")) and time.monotonic() < ends:
        assert killed.poll() is None
        time.sleep(0.01)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert not list(cache.glob("consul-*")) and list(cache.glob(".consul.*"))
    code, out, err = bring(cache)
    assert code == 0, err
    assert [path.name for path in cache.iterdir()] == ["consul-1.8.7"]
    said = subprocess.run([out.strip(), "version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("Consul v1.8.7")
