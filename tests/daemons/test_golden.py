"""Golden pairs: `golden/DAEMON/NAME.yaml` (first line: host and path) and the file that it must give.

After a change that is meant, `TRIMTAB_GOLDEN=write pytest tests/daemons/test_golden.py` writes them anew: read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trimtab.daemons.rendered import render_host
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.lab.unit import parse

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(GOLDEN.glob("*/*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_the_file_is_the_golden_one(path: Path) -> None:
    text = path.read_text()
    host, wanted = text.splitlines()[0].removeprefix("# ").split()
    inventory = Inventory(read_estate(text, path.name)[0])
    found = {a.path: a.content for a in render_host(inventory, inventory.by_name[host])}
    expected = path.with_suffix(".expected")
    if os.environ.get("TRIMTAB_GOLDEN") == "write":
        expected.write_text(found[wanted])
    assert found[wanted] == expected.read_text()


@pytest.mark.parametrize("path", sorted((GOLDEN / "systemd").glob("*.expected")), ids=lambda p: p.stem)
def test_the_twin_reads_every_unit(path: Path) -> None:
    """It acts on each directive, or says why it does not."""
    assert parse(path.read_text(), f"{path.stem}.service").start


def test_there_is_a_pair_for_every_daemon() -> None:
    assert {p.parent.name for p in CASES} >= {
        "bird",
        "exabgp",
        "haproxy",
        "nginx",
        "keepalived",
        "etcd",
        "sysctl",
        "systemd",
        "front",
        "agent",
    }
    assert {p.with_suffix("") for p in CASES} == {p.with_suffix("") for p in GOLDEN.glob("*/*.expected")}
