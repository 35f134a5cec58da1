"""Twins of the examples, each started once for all tests of a file, or of several that follow each other."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from trimtab.cli.lab import platforms
from trimtab.daemons.load import load_estate
from trimtab.errors import TwinFailed
from trimtab.estate.inventory import Inventory
from trimtab.lab.client import Lab, start
from trimtab.lab.plan import plan

ROOT = Path(__file__).parents[2]


@contextmanager
def twin(example: str | Path, *, full: bool = False, system: Sequence[str] = ()) -> Iterator[Lab]:
    """A twin under a name of this test run, taken down whatever happens. example: its name, or an estate's file; system:
    words of `--system`.
    """
    source = example if isinstance(example, Path) else ROOT / "examples" / example / "estate.yaml"
    estate = load_estate(source)
    inventory = Inventory(estate, shrink=not full)
    if system:
        inventory = Inventory(estate, shrink=not full, platforms=platforms(inventory, system))
    lab = start(plan(inventory, f"t-{estate.estate}-{os.getpid()}", str(source)), timeout=120, stays=False)
    try:
        yield lab
    finally:
        lab.down()


class Keeper:
    """A twin goes from a file of tests to the next one if that wants the same and nothing has failed: to start it takes as long
    as most of them. Never more than one, and none beside tests that do not want it.
    """

    def __init__(self) -> None:
        self.next: pytest.Item | None = None
        self._kept: tuple[Lab, ExitStack] | None = None

    @contextmanager
    def of(self, example: str, session: pytest.Session) -> Iterator[Lab]:
        lab, stack = self._taken() or self._begun(example)
        failed = session.testsfailed
        with stack:
            yield lab
            wanted = self.next is not None and example in getattr(self.next, "fixturenames", ())
            if wanted and session.testsfailed == failed:
                self._kept = lab, stack.pop_all()

    def _taken(self) -> tuple[Lab, ExitStack] | None:
        """As it is when it has just begun, or none."""
        if self._kept is None:
            return None
        (lab, stack), self._kept = self._kept, None
        try:
            lab.wait_ready(30)
        except TwinFailed:
            stack.close()
            return None
        return lab, stack

    @staticmethod
    def _begun(example: str) -> tuple[Lab, ExitStack]:
        stack = ExitStack()
        return stack.enter_context(twin(example)), stack


KEEPER = Keeper()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    KEEPER.next = nextitem


@pytest.fixture(scope="module")
def shop(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with KEEPER.of("shop", request.session) as lab:
        yield lab


@pytest.fixture(scope="module")
def enterprise(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with KEEPER.of("enterprise", request.session) as lab:
        yield lab


@pytest.fixture(scope="module")
def ecommerce(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with KEEPER.of("ecommerce", request.session) as lab:
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


@pytest.fixture(scope="module")
def rack() -> Iterator[Lab]:
    with twin(Path(__file__).parent / "estates/rack.yaml") as lab:
        yield lab


@pytest.fixture(scope="module")
def rack_exabgp() -> Iterator[Lab]:
    with twin(Path(__file__).parent / "estates/rack-exabgp.yaml") as lab:
        yield lab
