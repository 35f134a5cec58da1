"""What `drill run` refuses before it takes its turn or starts a twin. No twin can start here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.cli_kit import SHOP, run
from tests.timing.make import DEFAULTS, TWO_SITES

EXAMPLES = SHOP.parents[1]


def drill(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return run("drill", "run", *words, cwd=cwd, environment={"TRIMTAB_STATE": "/proc/1/nope"})


def refused(done: subprocess.CompletedProcess[str], *said: str) -> None:
    assert done.returncode == 2, done.stderr
    assert all(text in done.stderr for text in said), done.stderr
    assert "starting" not in done.stderr and "waiting" not in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("transit-loss", "--upstream", "xx"), ("hk has no upstream 'xx'", "hkix, transit")),
        (("bgp-session-drop", "--site", "sg", "--upstream", "hkix"), ("sg has no upstream", "sgix")),
        (("site-power-cut", "--upstream", "hkix"), ("site-power-cut has no argument upstream", "there is: site")),
        (("transit-loss", "--upstream", ""), ("has no upstream ''", "hkix")),
        (("transit-loss", "--site", ""), ("no site ``", "hk")),
        (("proxy-hang", "transit-loss", "--upstream", "hkix"), ("proxy-hang has no argument upstream",)),
        (("proxy-hang", "--load", "most"), ("--load most is not known", "normal, full")),
    ],
)  # fmt: skip
def test_arguments_that_the_estate_or_the_scenario_lacks(
    words: tuple[str, ...], said: tuple[str, ...]
) -> None:
    refused(drill(*words, "-e", str(SHOP)), *said)


@pytest.mark.parametrize(
    ("scenario", "estate", "said"),
    [
        ("store-leader-loss", "enterprise", ("the estate has no store",)),
        ("standby-promotion", "enterprise", ("the estate has no store",)),
        ("site-partition", "enterprise", ("east is the only site", "second site")),
        ("proxy-hang --site witness", "ecommerce", ("witness has no proxy", "main, standby")),
        ("transit-loss --site witness", "ecommerce", ("witness has no upstream",)),
        ("client-partition --site witness", "ecommerce", ("witness has no upstream", "main, standby")),
        ("backend-kill --site witness", "ecommerce", ("witness has 0 backends",)),
        ("site-pool-loss", "ecommerce", ("main asks no other site for", "across: nearest")),
        ("site-pool-loss --site witness", "ecommerce", ("witness has no proxy", "main, standby")),
    ],
)
def test_what_the_estate_has_not_cannot_be_broken(scenario: str, estate: str, said: tuple[str, ...]) -> None:
    refused(drill(*scenario.split(), "-e", str(EXAMPLES / estate / "estate.yaml")), *said)


def test_one_backend_has_no_other_to_go_on_with(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(TWO_SITES.format(**{**DEFAULTS, "backends": "1"}))
    refused(drill("backend-power-cut", cwd=tmp_path), "one has 1 backends in its pools", "more hosts")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b'name: "a\\eb"\nshows: x\nsteps: []\nclaims: {}\n'])
def test_a_scenario_that_is_no_text(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "own.yaml").write_bytes(content)
    refused(drill("own.yaml", "-e", str(SHOP), cwd=tmp_path), "own.yaml")


def test_a_scenario_in_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "own.yaml")
    refused(drill("own.yaml", "-e", str(SHOP), cwd=tmp_path), "own.yaml: not a regular file")
