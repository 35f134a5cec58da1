"""Twins of the examples, each started once for all tests of a file."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate
from trimtab.lab.client import Lab, start
from trimtab.lab.plan import plan

ROOT = Path(__file__).parents[2]


@contextmanager
def twin(example: str, *, full: bool = False) -> Iterator[Lab]:
    """A twin under a name of this test run, taken down whatever happens."""
    with twin_of(ROOT / "examples" / example / "estate.yaml", example, full=full) as lab:
        yield lab


@contextmanager
def twin_of(source: Path, name: str, *, full: bool = False) -> Iterator[Lab]:
    inventory = Inventory(load_estate(source), shrink=not full)
    lab = start(plan(inventory, f"t-{name}-{os.getpid()}", str(source)), timeout=90, stays=False)
    try:
        yield lab
    finally:
        lab.down()


@pytest.fixture(scope="module")
def shop() -> Iterator[Lab]:
    with twin("shop") as lab:
        yield lab


@pytest.fixture(scope="module")
def enterprise() -> Iterator[Lab]:
    with twin("enterprise") as lab:
        yield lab


@pytest.fixture(scope="module")
def ecommerce() -> Iterator[Lab]:
    with twin("ecommerce") as lab:
        yield lab


def run(lab: Lab, node: str, *argv: str, timeout: float = 20) -> str:
    """Standard output of a command on a node."""
    process = lab.popen(node, list(argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return str(process.communicate(timeout=timeout)[0])


def fetch(lab: Lab, node: str, url: str, *more: str) -> dict[str, str]:
    """Headers of an answer in lower case, and `status`."""
    text = run(
        lab,
        node,
        "curl",
        "-s",
        "-m",
        "5",
        "-o",
        "/dev/null",
        "-D",
        "-",
        "--cacert",
        "/etc/trimtab/ca.pem",
        *more,
        url,
    )
    lines = text.replace("\r", "").splitlines()
    found = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:]) if k}
    found["status"] = lines[0].split()[1] if lines else "none"
    return found


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """True as soon as the condition holds, False at the deadline."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True
