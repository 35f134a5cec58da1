"""What each kind of value takes; what it refuses stands in `bad/`."""

from __future__ import annotations

import pytest

from tests.estate.make import SMALL, estate
from trimtab.estate.fault import BadEstate
from trimtab.estate.load import load_estate, text_of


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/health?x=1",
        "/-/readiness?all=1",
        "/replica?lag=10MB&sync",
        "/dns-query?dns=AAABAAABAAAAAAAA",
        "/a%20b?c=/d?e",
    ],
)
@pytest.mark.parametrize("verb", ["get", "head"])
def test_a_check_may_have_a_query(verb: str, path: str) -> None:
    check = estate(SMALL.replace("get: /health", f'{verb}: "{path}"')).pools["web"].check
    assert (check.get or check.head) == path


@pytest.mark.parametrize("bad", ["#", "'", '\\"', "\\\\", "$", " ", "{", "}", "`", "^", "|", "<", "é"])
def test_what_a_daemon_could_read_as_syntax_stands_in_no_path(bad: str) -> None:
    with pytest.raises(BadEstate, match="cannot stand in a path with a query"):
        estate(SMALL.replace("get: /health", f'get: "/a{bad}b"'))


@pytest.mark.parametrize(
    "asn", [1, 64496, 64511, 64512, 65534, 65536, 65551, 131072, 4199999999, 4200000000, 4294967294]
)
def test_every_as_number_that_somebody_may_use_is_taken(asn: int) -> None:
    assert estate(SMALL.replace("asn: 65010", f"asn: {asn}")).sites["one"].asn == asn


@pytest.mark.parametrize("asn", [0, 23456, 65535, 65552, 131071, 4294967295])
def test_as_numbers_that_nobody_has_are_refused(asn: int) -> None:
    for where in ("asn: 65010", "asn: 64500"):
        with pytest.raises(BadEstate, match=f"AS{asn} "):
            estate(SMALL.replace(where, f"asn: {asn}"))


def test_the_longest_name_is_taken() -> None:
    name = ".".join(["a" * 63] * 3 + ["b" * 53, "example"])
    assert len(name) == 253
    assert estate(SMALL.replace("www.small.example", name)).services["www"].names == (name,)


def test_numbers_may_be_nothing_and_may_have_zeros_behind_the_point() -> None:
    text = SMALL.replace("at: [22.3, 114.2]", "at: [0, -0.05]") + "vrrp: {garp_refresh: 0s}\n"
    assert estate(text).sites["one"].at == (0.0, -0.05)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "estate.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert text_of(path) and load_estate(path).estate == "small"
