"""In which order files go to several workers: those that mostly wait (real daemons) spread evenly among those that compute.

In the folders' order the daemons would come in a bunch, the processors idle meanwhile, and a long file that begins last keeps
everybody waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

# Those that take more than half a minute, in which they mostly wait; the longest first.
LONG = (
    "tests/drills/test_drills_runner.py",
    "tests/daemons/test_engines_real.py",
    "tests/daemons/test_etcd_join_real.py",
    "tests/daemons/test_once_real.py",
    "tests/daemons/test_vrrp_real.py",
)


def mixed(tests: Sequence[T], file: Callable[[T], str], waits: Callable[[T], bool]) -> list[T]:
    """The tests of a file stay together and in their order. waits: whether a test runs something of its own beside us."""
    files: dict[str, list[T]] = {}
    for test in tests:
        files.setdefault(file(test), []).append(test)
    patient = {name for name, its in files.items() if name in LONG or any(map(waits, its))}
    first = sorted(patient, key=lambda name: (LONG.index(name) if name in LONG else len(LONG), name))
    others = [name for name in files if name not in patient]
    return [test for name in _spread(first, others) for test in files[name]]


def _spread(some: Sequence[str], others: Sequence[str]) -> list[str]:
    """Both in their own order, each evenly over the whole; the first of `some` is the first of all."""
    places = [(at / len(some), 0, name) for at, name in enumerate(some)]
    places += [((at + 0.5) / len(others), 1, name) for at, name in enumerate(others)]
    return [name for *_, name in sorted(places)]
