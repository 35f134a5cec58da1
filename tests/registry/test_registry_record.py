"""What stands in a registry: it comes back as it was, and what somebody else made is refused with the reason."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.registry import fields
from trimtab.registry import record as r
from trimtab.registry.codec import decode, encode
from trimtab.registry.fields import BadRecord
from trimtab.registry.record import key_of

NAMES = st.from_regex(r.NAME, fullmatch=True)
POOLS = st.from_regex(r.POOL, fullmatch=True)
TEXTS = st.from_regex(fields.TEXT, fullmatch=True).map(lambda text: text[:60])
IDS = st.integers(1, r.MAX_ID)
WEIGHTS = st.integers(0, r.MAX_WEIGHT)
TIMES = st.floats(0, 1e10, allow_nan=False)
SHARES = st.dictionaries(POOLS, st.integers(0, 1_000_000), min_size=1, max_size=6).filter(
    lambda s: sum(s.values()) > 0
)


def _routable(address: Any) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    bad = address.is_unspecified or address.is_multicast or address.is_link_local or address.is_loopback
    return not (bad or mapped or str(address) == "255.255.255.255")


ADDRESSES = st.one_of(
    st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 2**128 - 1).map(IPv6Address)
).filter(_routable)

RECORDS = st.one_of(
    st.builds(
        r.Member,
        POOLS,
        NAMES,
        ADDRESSES.map(str),
        st.integers(1, 65535),
        IDS,
        WEIGHTS,
        TEXTS,
        st.lists(TEXTS, max_size=r.MAX_TAGS).map(tuple),
    ),
    st.builds(r.Alive, POOLS, NAMES, st.sampled_from(["passing", "failing"])),
    st.builds(
        r.Override,
        POOLS,
        NAMES,
        st.sampled_from(["ready", "drain", "maint"]),
        st.none() | WEIGHTS,
        TEXTS,
        TEXTS,
        TIMES,
    ),
    st.builds(r.Claim, POOLS, IDS, NAMES),
    st.builds(r.ProxyOverride, NAMES, st.sampled_from(["ready", "drain"]), TEXTS, TEXTS, TIMES),
    st.builds(
        r.FrontState,
        NAMES,
        st.booleans(),
        st.booleans(),
        st.dictionaries(st.builds("{}/{}".format, POOLS, NAMES), st.integers(0, 2**31), max_size=12),
        TIMES,
        TIMES,
    ),
    st.builds(
        r.CheckState,
        NAMES,
        st.dictionaries(POOLS, st.integers(1, r.MAX_ID), max_size=12),
        st.lists(st.builds("{}/{}".format, POOLS, NAMES), max_size=12).map(tuple),
        st.lists(
            st.builds(
                r.Turn, st.builds("{}/{}".format, POOLS, NAMES), st.booleans(), TIMES, st.just("L7STS 503")
            ),
            max_size=3,
        ).map(tuple),
    ),
    st.builds(
        r.Split,
        POOLS,
        st.from_regex(r.SPLIT, fullmatch=True),
        SHARES,
        st.sampled_from(["percent", "header", "cookie"]),
        st.none() | SHARES,
        TEXTS,
        TEXTS,
        TIMES,
    ),
    st.builds(
        r.HostState,
        NAMES,
        st.dictionaries(TEXTS, TEXTS, max_size=4),
        TIMES,
        st.dictionaries(TEXTS, st.builds(r.Restart, TIMES, TEXTS), max_size=4),
        TIMES,
    ),
)


@settings(max_examples=60, deadline=None)
@given(RECORDS)
def test_what_is_written_is_what_is_read(record: r.Record) -> None:
    assert decode(key_of(record), encode(record)) == record


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=60) | st.sampled_from(["members/api/b-1", "ids/api/7", "splits/shop/main"]),
    st.binary(max_size=200),
)
def test_no_bytes_of_anybody_raise_anything_else(key: str, value: bytes) -> None:
    try:
        found = decode(key, value)
    except BadRecord as error:
        assert str(error).isascii() and str(error).isprintable()
    else:
        assert key_of(found) == key


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = [
    "members/api/b-1",
    "alive/api/b-1",
    "hand/api/b-1",
    "ids/api/7",
    "splits/shop/main",
    "hosts/hk-proxy-1",
]
FIELDS = [
    "address",
    "port",
    "id",
    "weight",
    "tags",
    "health",
    "state",
    "at",
    "name",
    "shares",
    "by",
    "before",
    "units",
]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KEYS), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8))
def test_no_json_of_anybody_raises_anything_else(key: str, body: dict[str, Any]) -> None:
    try:
        found = decode(key, json.dumps(body).encode())
    except BadRecord:
        return
    assert decode(key, encode(found)) == found


MEMBER = {"address": "10.0.0.7", "port": 8080, "id": 7}
SPLIT = {"shares": {"api": 1}}
CHECKS: dict[str, Any] = {"down": {}, "named": []}


@pytest.mark.parametrize(
    ("key", "body", "reason"),
    [
        ("members/api/b-1", {**MEMBER, "address": "backend.example"}, "an IPv4 or IPv6 address is expected, not a name"),
        ("members/api/b-1", {**MEMBER, "address": "10.0.0.7; rm"}, "not a name"),
        ("members/api/b-1", {**MEMBER, "address": 167772167}, "not a name"),
        ("members/api/b-1", {**MEMBER, "address": "127.0.0.1"}, "a host's own address"),
        ("members/api/b-1", {**MEMBER, "address": "::ffff:127.0.0.1"}, "a host's own address"),
        ("members/api/b-1", {**MEMBER, "address": "::1"}, "a host's own address"),
        ("members/api/b-1", {**MEMBER, "address": "0.0.0.0"}, "a host's own address"),
        ("members/api/b-1", {**MEMBER, "address": "255.255.255.255"}, "a host's own address"),
        ("members/api/b-1", {**MEMBER, "address": "224.0.0.1"}, "a host's own address"),
        ("members/api/b-1", {**MEMBER, "address": "fe80::1%eth0"}, "a host's own address"),
        ("members/api/b-1", {**MEMBER, "address": "2001:db8::1%eth0"}, "a host's own address"),
        ("members/api/b-1", {**MEMBER, "port": 0}, "port '0': a whole number from 1 to 65535"),
        ("members/api/b-1", {**MEMBER, "port": 65536}, "from 1 to 65535"),
        ("members/api/b-1", {**MEMBER, "port": "80"}, "from 1 to 65535"),
        ("members/api/b-1", {**MEMBER, "port": True}, "from 1 to 65535"),
        ("members/api/b-1", {**MEMBER, "port": 80.0}, "from 1 to 65535"),
        ("members/api/b-1", {**MEMBER, "id": 0}, "id '0': a whole number from 1 to 65535"),
        ("members/api/b-1", {k: v for k, v in MEMBER.items() if k != "id"}, "id 'None'"),
        ("members/api/b-1", {**MEMBER, "weight": 257}, "weight '257': a whole number from 0 to 256"),
        ("members/api/b-1", {**MEMBER, "weight": -1}, "from 0 to 256"),
        ("members/api/b-1", {**MEMBER, "tags": "eu"}, "a list of at most 16"),
        ("members/api/b-1", {**MEMBER, "tags": ["x"] * 17}, "a list of at most 16"),
        ("members/api/b-1", {**MEMBER, "tags": ["a\nb"]}, "at most 200 letters"),
        ("members/api/b-1", {**MEMBER, "version": "x" * 201}, "at most 200 letters"),
        ("members/api/b-1", {**MEMBER, "version": "1;shutdown"}, "at most 200 letters"),
        ("members/API/b-1", MEMBER, "pool 'API': expected"),
        ("members/api/B 1", MEMBER, "name 'B 1': expected"),
        ("members/api/b-1/x", MEMBER, "no such kind of record"),
        ("members/api", MEMBER, "no such kind of record"),
        ("", MEMBER, "no such kind of record"),
        ("secrets/api/b-1", MEMBER, "no such kind of record"),
        ("alive/api/b-1", {"health": "fine"}, "health 'fine': expected passing, failing"),
        ("alive/api/b-1", {"health": ["passing"]}, "expected passing, failing"),
        ("hand/api/b-1", {"state": "off"}, "state 'off': expected ready, drain, maint"),
        ("hand/api/b-1", {"weight": 1.5}, "from 0 to 256"),
        ("hand/api/b-1", {"at": -1}, "seconds since 1970"),
        ("hand/api/b-1", {"at": float("nan")}, "seconds since 1970"),
        ("hand/api/b-1", {"at": float("inf")}, "seconds since 1970"),
        ("hand/api/b-1", {"by": "a\x1b[31m"}, "printable characters"),
        ("ids/api/7", {"name": "B"}, "name 'B': expected"),
        ("ids/api/007", {"name": "b-1"}, "id '007': a whole number"),
        ("ids/api/0", {"name": "b-1"}, "id '0'"),
        ("ids/api/65536", {"name": "b-1"}, "id '65536'"),
        ("ids/api/" + "9" * 5000, {"name": "b-1"}, "a whole number from 1 to 65535"),
        ("ids/api/٧", {"name": "b-1"}, "a whole number"),
        ("splits/shop/main", {"shares": {}}, "1 to 32 pools"),
        ("splits/shop/main", {"shares": {"api": 0}}, "at least one has to be above 0"),
        ("splits/shop/main", {"shares": {"api": -1}}, "share '-1'"),
        ("splits/shop/main", {"shares": {f"p{n}": 1 for n in range(33)}}, "1 to 32 pools"),
        ("splits/shop/main", {**SPLIT, "by": "mood"}, "by 'mood': expected percent, header, cookie"),
        ("splits/shop/main", {**SPLIT, "before": {"A": 1}}, "pool 'A': expected"),
        ("splits/shop/main", {**SPLIT, "past": {}}, "past: a list of at most 8 objects"),
        ("splits/shop/main", {**SPLIT, "past": [SPLIT] * 9}, "past: a list of at most 8 objects"),
        ("splits/shop/main", {**SPLIT, "past": [{"shares": {}}]}, "1 to 32 pools"),
        ("splits/shop/Main", SPLIT, "split 'Main': expected"),
        ("checks/hk-proxy-1", {**CHECKS, "turns": ["api/b1"]}, "turns: a list of at most 20 objects"),
        ("checks/hk-proxy-1", {**CHECKS, "turns": [{"name": "api/b1", "up": 1}]}, "up, true or false"),
        ("checks/hk-proxy-1", {**CHECKS, "turns": [{"name": "api", "up": True}]}, "name '': expected"),
        ("hosts/HK", {}, "host 'HK': expected"),
        ("hosts/hk-proxy-1", {"units": []}, "an object of at most 32"),
        ("hosts/hk-proxy-1", {"units": {str(n): "x" for n in range(33)}}, "an object of at most 32"),
        ("hosts/hk-proxy-1", {"units": {"x": 1}}, "at most 200 letters"),
    ],
)  # fmt: skip
def test_each_bad_value_is_refused_with_its_reason(key: str, body: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRecord) as caught:
        decode(key, json.dumps(body).encode())
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[1]", "a JSON object is expected"),
        (b"null", "a JSON object is expected"),
        (b'{"address":"10.0.0.7","port":' + b"9" * 4000 + b"}", "a whole number"),
        (b" " * 5000, "5000 bytes, at most 4096"),
        (b'{"address":' + b"[" * 950 + b"]" * 950 + b"}", "not a name|not JSON"),
        (b"[" * 4000, "not JSON"),
        (b'{"address":"10.0.0.7","port":80,"id":7,"x":' + b"[" * 600 + b"]" * 600 + b"}", "nested too deep"),
        ('{"address":"10.0.0.7","port":80,"id":7}'.encode("utf-16"), "not JSON"),
        ('{"address":"10.0.0.7","port":80,"id":7}'.encode("utf-16-le"), "not JSON"),
        (b'\xef\xbb\xbf{"address":"10.0.0.7","port":80,"id":7}', "not JSON"),
    ],
)
def test_what_is_no_record_at_all(value: bytes, reason: str) -> None:
    with pytest.raises(BadRecord, match=reason):
        decode("members/api/b-1", value)


def test_an_address_is_written_in_its_one_form() -> None:
    found = decode("members/api/b-1", json.dumps({**MEMBER, "address": "2001:DB8:0::7"}).encode())
    assert isinstance(found, r.Member) and found.address == "2001:db8::7"


def test_a_record_that_nobody_would_read_is_not_written() -> None:
    with pytest.raises(BadRecord, match="at most 4096 are written"):
        encode(r.HostState("hk-proxy-1", {f"unit-{n}": "x" * 200 for n in range(32)}))


@pytest.mark.parametrize(
    "record",
    [
        r.Split("www", "a" * 122, {"web": 1}),
        r.Split("www", "web", {"web": 1_000_001}),
        r.Split("www", "web", {f"p{n}": 1 for n in range(33)}),
        r.Member("web", "one", "one.example", 80, 1),
        r.Member("web", "one", "192.0.2.1", 0, 1),
        r.Override("web", "one", reason="\x1b[2J"),
    ],
    ids=lambda record: f"{type(record).__name__}-{len(str(record))}",
)
def test_what_nobody_would_read_is_not_written(record: r.Record) -> None:
    with pytest.raises(BadRecord):
        encode(record)
