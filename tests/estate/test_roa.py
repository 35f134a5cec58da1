"""ROAs: the forms in which they are exported, and the judgement of RFC 6811."""

from __future__ import annotations

import json
from ipaddress import ip_network

import pytest

from trimtab.errors import BadInput
from trimtab.estate.roa import Vrp, as_json, read_roas, roas_of

NET = ip_network("203.0.113.0/24")
CLIENT = (
    '{"metadata":{"buildtime":"2025-12-31T20:00:00Z"},"roas":'
    '[{"asn":65010,"prefix":"203.0.113.0/24","maxLength":24,"ta":"arin","expires":1}]}'
)
ROUTINATOR = (
    '{"metadata":{"generated":1767211200,"generatedTime":"2025-12-31T20:00:00Z"},"roas":'
    '[{"asn":"AS65010","prefix":"203.0.113.0/24","maxLength":24,"ta":"arin"}],"routerKeys":[],"aspas":[]}'
)
BARE = '{"roas":[{"asn":"65010","prefix":"203.0.113.0/24"}]}'


@pytest.mark.parametrize(("text", "made"), [(CLIENT, 1767211200.0), (ROUTINATOR, 1767211200.0), (BARE, None)])
def test_every_exporter_is_read(text: str, made: float | None) -> None:
    found = read_roas(text)
    assert found.covering(NET) == [Vrp(NET, 24, 65010)] and found.made == made and found.total == 1


def test_what_is_written_is_read_again() -> None:
    vrps = [Vrp(NET, 24, 65010), Vrp(ip_network("2001:db8::/32"), 48, 0)]
    assert read_roas(as_json(vrps)) == roas_of(vrps)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"prefix": "203.0.113.1/24", "asn": 1}, "no ROA"),
        ({"prefix": "203.0.113.0/33", "asn": 1}, "no ROA"),
        ({"prefix": "203.0.113.0", "asn": 1}, "no ROA"),
        ({"prefix": "203.0.113.0/24", "asn": "ASx"}, "no ROA"),
        ({"prefix": "203.0.113.0/24", "asn": True}, "no ROA"),
        ({"prefix": "203.0.113.0/24", "asn": -1}, "cannot be"),
        ({"prefix": "203.0.113.0/24", "asn": 1, "maxLength": 23}, "cannot be"),
        ({"prefix": "203.0.113.0/24", "asn": 1, "maxLength": 33}, "cannot be"),
        ({"prefix": "203.0.113.0/24", "asn": 1, "maxLength": float("inf")}, "is no ROA"),
        ({"prefix": "203.0.113.0/ 24", "asn": 1}, "is no ROA"),
        ({"asn": 1}, "no ROA"),
        ("203.0.113.0/24", "no ROA"),
        (None, "no ROA"),
    ],
)
def test_what_is_no_roa_is_told_with_its_number(entry: object, words: str) -> None:
    good = {"prefix": "203.0.113.0/24", "asn": 1}
    with pytest.raises(BadInput, match=words) as caught:
        read_roas(json.dumps({"roas": [good, entry]}), [NET])
    assert "roas[1]" in str(caught.value)


@pytest.mark.parametrize("text", ["", "[", "[]", "{}", '{"roas": 1}', "[" * 100_000])
def test_rubbish_is_bad_input(text: str) -> None:
    with pytest.raises(BadInput):
        read_roas(text)


@pytest.mark.parametrize(
    ("prefix", "origin", "validity"),
    [
        ("203.0.113.0/24", 65010, "valid"),
        ("203.0.113.0/25", 65010, "invalid"),
        ("203.0.113.0/24", 65020, "invalid"),
        ("203.0.112.0/23", 65010, "unknown"),
        ("198.18.7.0/24", 65020, "valid"),
        ("198.18.7.0/24", 65010, "invalid"),
        ("198.19.0.0/16", 0, "invalid"),
    ],
)
def test_routes_are_judged_as_rfc_6811_has_it(prefix: str, origin: int, validity: str) -> None:
    roas = roas_of(
        [
            Vrp(NET, 24, 65010),
            Vrp(ip_network("198.18.0.0/22"), 22, 65010),
            Vrp(ip_network("198.18.0.0/21"), 24, 65020),
            Vrp(ip_network("198.19.0.0/16"), 24, 0),
        ]
    )
    assert roas.judge(ip_network(prefix), origin) == validity


def test_aspas_of_both_exporters_are_read() -> None:
    found = {
        "roas": [],
        "aspas": [
            {"customer_asid": 65010, "expires": 1, "providers": [64500, 64501]},
            {"customer": "AS65020", "providers": ["AS64502"], "ta": "x"},
            {"customer_asid": 65010, "providers": [64503]},
            {"customer_asid": 50000, "providers": [0]},
        ],
    }
    assert read_roas(json.dumps(found)).aspas == {
        65010: {64500, 64501, 64503}, 65020: {64502}, 50000: {0},
    }  # fmt: skip
    assert read_roas('{"roas": []}').aspas == {}


@pytest.mark.parametrize(
    "entry",
    [
        5,
        {},
        {"customer": "x", "providers": []},
        {"customer": 1},
        {"customer": 1, "providers": [-1]},
        {"customer": 2**32, "providers": []},
        {"customer": float("inf"), "providers": []},
    ],
)
def test_what_is_no_aspa_is_told_with_its_number(entry: object) -> None:
    with pytest.raises(BadInput, match=r"aspas\[1\] (is no ASPA|cannot be)"):
        read_roas(json.dumps({"roas": [], "aspas": [{"customer": 1, "providers": [2]}, entry]}))
    with pytest.raises(BadInput, match="`aspas` is no list"):
        read_roas(json.dumps({"roas": [], "aspas": entry}))
