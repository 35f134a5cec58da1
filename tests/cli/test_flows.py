"""What a drain has moved, counted from what proxies tell."""

from __future__ import annotations

import pytest

from trimtab.cli.flows import line, read


@pytest.mark.parametrize(
    ("page", "count"),
    [
        (b"# TYPE trimtab_proxy_connections gauge\ntrimtab_proxy_connections 184.0\n", 184),
        (b"trimtab_proxy_connections -1.0\n", None),
        (b"x_trimtab_proxy_connections 9\n", None),
        (b"", None),
    ],
)
def test_what_a_proxy_tells(page: bytes, count: int | None) -> None:
    assert read(page) == count


def test_what_has_moved_is_told_or_said_to_be_unknown() -> None:
    assert line("hk", 184, 3) == "184 connections before, 3 left: 181 moved or ended"
    assert line("hk", 1, 3) == "1 connections before, 3 left: 0 moved or ended"
    assert "not known" in line("hk", None, 3) and "not known" in line("hk", 3, None)
