"""What loading and checking an estate costs grows with the file, not with its square.

Counted are the steps of the interpreter, so that the machine and what else runs on it say nothing. What a list does inside
itself is not seen: `bench/check` has the seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from tests.checks.kit import TODAY
from trimtab.checks.engine import run
from trimtab.checks.subject import Subject
from trimtab.estate.fault import BadEstate
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate

HEAD = """\
estate: many
zone: many.example
edge: {anycast: {prefixes: [203.0.113.0/24]}}
sites:
  one:
    id: 1
    at: [52.5, 13.4]
    asn: 64512
    hosts: {router: 2, proxy: 2, backend: 3}
    upstreams:
      a: {asn: 64500, peer: [198.51.100.1], password: env:A}
      b: {asn: 64501, peer: [198.51.100.9], password: env:B}
"""
WEB = "  web: {hosts: backend, port: 8080, check: {get: /health}}\n"
SERVICE = "  www: {names: [www.many.example], routes: [{pool: web}]}\n"


def text(services: Iterable[str] = (SERVICE,), pools: Iterable[str] = (WEB,), more: str = "") -> str:
    return f"{HEAD}services:\n{''.join(services)}pools:\n{''.join(pools)}{more}"


def services(line: str) -> Callable[[int], str]:
    """An estate of n services like `line`."""
    return lambda n: text(line.format(n=i, next=(i + 1) % n) for i in range(n))


def routes(route: str) -> Callable[[int], str]:
    """One service with n routes."""
    return lambda n: text(
        [
            "  www:\n    names: [www.many.example]\n    routes:\n",
            *(f"      - {route.format(n=i)}\n" for i in range(n)),
        ]
    )


def pools(line: str) -> Callable[[int], str]:
    def make(n: int) -> str:
        used = (f"  s{i}: {{names: [s{i}.many.example], routes: [{{pool: p{i}}}]}}\n" for i in range(n))
        return text(used, (line.format(n=i) for i in range(n)))

    return make


def split(n: int) -> str:
    """n services, each with a split of its own."""
    found = (
        f"  s{i}: {{names: [s{i}.many.example], routes: [{{split: {{web: 1, p{i}: 1}}}}]}}\n"
        for i in range(n)
    )
    line = "  p{n}: {{hosts: backend, port: 8080, check: {{get: /h{n}}}}}\n"
    return text(found, [WEB, *(line.format(n=i) for i in range(n))])


def members(n: int) -> str:
    each = "".join(f"    - {{address: 192.0.2.{i % 250}, port: {1000 + i}}}\n" for i in range(n))
    return text(pools=["  web:\n   members:\n", each])


def accepted(n: int) -> str:
    entries = "".join(f"  - {{rule: hsts-missing, at: services.s{i}, reason: internal}}\n" for i in range(n))
    return services(PLAIN)(n) + f"accept:\n{entries}"


PLAIN = "  s{n}: {{names: [s{n}.many.example, w{n}.many.example], routes: [{{pool: web}}]}}\n"
SHAPES: dict[str, Callable[[int], str]] = {
    "services": services(PLAIN),
    "anycast services": services(PLAIN.replace("{{names", "{{address: anycast, names")),
    "services with redirects in a circle": services(
        "  s{n}: {{names: [s{n}.many.example], routes: [{{redirect: 'https://s{next}.many.example/'}}]}}\n"
    ),
    "services with redirects in a row": services(
        "  s{n}: {{names: [s{n}.many.example], routes: [{{path: /a, redirect: 'https://s{next}.many.example/a'}}, {{pool: web}}]}}\n"
    ),
    "services with promises": services(
        "  s{n}: {{names: [s{n}.many.example], objectives: {{rto: 1s, peak: {{requests: 1/s}}}}, routes: [{{pool: web}}]}}\n"
    ),
    "services that dangle": services("  s{n}: {{names: [s{n}.many.example], routes: [{{pool: p{n}}}]}}\n"),
    "services of one name": services("  s{n}: {{names: [www.many.example], routes: [{{pool: web}}]}}\n"),
    "services with nonsense": services("  s{n}: {{names: [], nonsense: 1, routes: [{{pool: web}}]}}\n"),
    "routes": routes("{{path: /r{n}/, pool: web}}"),
    "routes of a header": routes("{{path: /, header: {{x: 'v{n}'}}, pool: web}}"),
    "pools": pools("  p{n}: {{hosts: backend, port: 8080, check: {{get: /h{n}}}}}\n"),
    "pools that nobody has": pools("  q{n}: {{hosts: backend, port: 8080, check: {{get: /h{n}}}}}\n"),
    "splits": split,
    "members": members,
    "accepted findings": accepted,
}


def steps(work: Callable[[], Any]) -> int:
    """How many steps of the interpreter `work` takes."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def check(found: str) -> None:
    with suppress(BadEstate):
        estate, tree = read_estate(found)
        run(Subject(estate, tree, Inventory(estate), TODAY))


@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_file_is_twice_the_work(shape: str) -> None:
    make, size = SHAPES[shape], 16
    check(make(size))  # what is made once and kept: templates, tables
    small, middle, large = (steps(lambda n=n: check(make(n))) for n in (size, 2 * size, 4 * size))  # type: ignore[misc]
    # the part that grows: twice as much again for a line, four times for a square
    assert large - middle <= 2.5 * (middle - small), (small, middle, large)


def test_a_square_is_seen() -> None:
    def square(n: int) -> int:
        return sum(1 for i in range(n) for j in range(n) if i != j)

    small, middle, large = (steps(lambda n=n: square(n)) for n in (16, 32, 64))  # type: ignore[misc]
    assert large - middle > 3 * (middle - small)
