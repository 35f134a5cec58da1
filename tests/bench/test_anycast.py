"""What bench/anycast makes of its raw data, and how it reads what the kernel says of routes."""

from __future__ import annotations

from typing import Any

import pytest
from _anycast.figures import figures, pool_lost, starved
from _anycast.routes import _LINE


def run(anchor: float, failed: int = 0, late: float = 0.0) -> dict[str, Any]:
    return {
        "anchor_gone": anchor,
        "power_gone": 0.3,
        "planned": {"by": {"one": 5, "two": 5}, "failed": [[0.0, "x"]] * failed, "kept": {"kept": 1, "TimeoutError": 2},
                    "moved_s": 0.1, "late_s": late},
        "peers": {"peer": anchor},
    }  # fmt: skip


def test_aims_are_of_the_worst_run() -> None:
    found = {figure.name: figure for figure in figures([run(0.1), run(0.6, failed=3)])}
    anchor = found["the last proxy ends -> path moved, worst"]
    failed = found["planned move: new connections failed, worst"]
    assert (anchor.ours, anchor.met) == (0.6, False)
    assert (failed.ours, failed.met) == (3, False)
    assert found["the proxies' power goes -> path moved, worst"].met
    assert found["planned move: new connections"].ours == 23
    assert found["planned move: kept connections ended, worst"].ours == 2


def test_a_peer_is_told_by_its_median_and_its_worst() -> None:
    assert pool_lost([run(1.0), run(2.0), run(6.0)]) == {"peer": {"median": 2.0, "worst": 6.0}}


def test_a_run_whose_clients_were_late_says_nothing() -> None:
    assert starved(run(0.1, late=0.6)) and not starved(run(0.1, late=0.1))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("203.0.113.0/24 nhid 20 via 198.51.100.2 dev s1u0 proto bgp metric 20", (None, "203.0.113.0/24", "s1u0")),
        ("Deleted 2001:db8::/44 nhid 9 via fe80::1 dev s2u0 proto bgp metric 20 pref medium", ("Deleted ", "2001:db8::/44", "s2u0")),
        ("local 10.0.0.1 dev lo table local", None),
    ],
)  # fmt: skip
def test_a_line_of_the_kernel_s_routes(line: str, found: tuple[str | None, str, str] | None) -> None:
    match = _LINE.match(line)
    assert (match.groups() if match else None) == found
