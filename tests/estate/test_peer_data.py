"""Files about peers: bgpq4's lists, PeeringDB's figures, and what is said of those that are none, with file and line."""

from __future__ import annotations

import json
import os
import time
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from trimtab.checks.peer_data import OLDEST_S
from trimtab.cli.peer_data import peer_data_beside
from trimtab.daemons.rendered import render_host
from trimtab.estate import peer_data
from trimtab.estate.fault import BadEstate
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate
from trimtab.estate.peer_data import Listed, allowed, export_of, list_of

# As bgpq4 1.x writes it: `-j AS-X`, `-Aj -R 24 AS-X`, `-6j AS-X`.
V4 = """\
{ "NN": [
    { "prefix": "192.88.98.0/24", "exact": true },
    { "prefix": "193.0.0.0/21", "exact": false, "less-equal": 24 },
    { "prefix": "194.0.0.0/20", "exact": false, "greater-equal": 22, "less-equal": 23 }
] }
"""
V6 = '{ "AS64501": [\n    { "prefix": "2a00:1450::/32", "exact": true }\n] }\n'
PEERINGDB = {
    "data": [
        {"id": 7, "asn": 64501, "name": "x", "info_prefixes4": 101, "info_prefixes6": 20},
        {"id": 8, "asn": 64502, "name": "y", "info_prefixes4": 5, "info_prefixes6": None},
    ],
    "meta": {},
}
ESTATE = """\
estate: two
zone: two.example
sites:
  hk:
    id: 1
    at: [22.3, 114.2]
    asn: 65010
    hosts: {router: 1, proxy: 2, backend: 2}
    upstreams:
      isp: {asn: 64500, peer: [198.51.100.1], password: env:A}
      ix:
        asn: 64501
        role: peer
        peer: [198.51.100.9, 2001:db8:ff01::9]
        password: env:B
        KEYS
services: {www: {names: [www.two.example], tls: {}, routes: [{pool: web}]}}
pools: {web: {hosts: backend, port: 8080, check: {get: /health}}}
"""


def listed(prefix: str, least: int, most: int) -> Listed:
    return Listed(ip_network(prefix), least, most)


def test_a_list_says_what_is_exact_and_what_is_not() -> None:
    assert list_of("x.json", V4).entries == (
        listed("192.88.98.0/24", 24, 24), listed("193.0.0.0/21", 21, 24), listed("194.0.0.0/20", 22, 23),
    )  # fmt: skip
    assert list_of("x.json", V6).entries == (listed("2a00:1450::/32", 32, 32),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{\n", "x.json:2: no JSON"),
        ("[]", "x.json:1: no list of prefixes"),
        ('{"a": [], "b": []}', "x.json:1: no list of prefixes"),
        ('{"NN": 5}', "x.json:1: no list of prefixes"),
        ('{ "NN": [\n] }', "x.json:1: lists nothing, so everything would be refused"),
        (V4.replace("193.0.0.0/21", "193.0.0.1/21"), "x.json:3: no prefix as"),
        (V4.replace('"prefix": "193.0.0.0/21", ', ""), "x.json:3: no prefix as"),
        (V4.replace("193.0.0.0/21", "here"), "x.json:3: no prefix as"),
        (V4.replace('"less-equal": 24', '"less-equal": "x"'), "x.json:3: no prefix as"),
        (
            V4.replace("192.88.98.0/24", "192.88.98.0/25"),
            "x.json:2: 192.88.98.0/25 is longer than /24, which nobody takes: `bgpq4 -m 24`",
        ),
        (
            V4.replace('"less-equal": 24', '"less-equal": 32'),
            "x.json:3: 193.0.0.0/21 up to /32 is longer than /24",
        ),
        (
            V4.replace('"less-equal": 23', '"less-equal": 21'),
            "x.json:4: 194.0.0.0/20 from /22 to /21 cannot be",
        ),
        (V4.replace('"less-equal": 24', '"less-equal": 1e999'), "x.json:3: no prefix as"),
        (V6.replace("::/32", "::%eth0/32"), "x.json:2: no prefix as"),
        (V6.replace("/32", "/49"), "x.json:2: 2a00:1450::/49 is longer than /48"),
    ],
)
def test_what_is_no_list_is_told_with_its_line(text: str, says: str) -> None:
    with pytest.raises(ValueError) as caught:
        list_of("x.json", text)
    assert str(caught.value).startswith(says)


def test_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_data, "MOST_LISTED", 2)
    with pytest.raises(
        ValueError, match=r"x\.json: 3 prefixes, at most 2 are possible: `bgpq4 -A` joins them"
    ):
        list_of("x.json", V4)


def test_an_export_has_figures_by_network() -> None:
    assert export_of("p.json", json.dumps(PEERINGDB)).nets == {64501: {4: 101, 6: 20}, 64502: {4: 5, 6: 0}}
    assert allowed(101, 50.0) == 152 and allowed(10, 0.0) == 10


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"data": 5}, "p.json:1: no `data` with `net` objects"),
        ({"data": [{}]}, "p.json:1: no `net` object of PeeringDB: {}"),
        ({"data": [5]}, "p.json:1: no `net` object of PeeringDB: 5"),
        ({"data": [{"asn": "64501"}]}, "p.json:1: no `net` object of PeeringDB: '64501' is no number"),
        (
            {"data": [{"asn": 1, "info_prefixes4": -1}]},
            "p.json:1: no `net` object of PeeringDB: -1 is no number",
        ),
        (
            {"data": [{"asn": 1, "info_prefixes4": 1}, {"asn": 1, "info_prefixes4": 2}]},
            "p.json:1: AS1 a second time",
        ),
    ],
)
def test_what_is_no_export_is_told(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError) as caught:
        export_of("p.json", json.dumps({**PEERINGDB, **change}))
    assert str(caught.value).startswith(says)


def written(folder: Path, keys: str) -> Path:
    (folder / "v4.json").write_text(V4)
    (folder / "v6.json").write_text(V6)
    (folder / "pdb.json").write_text(json.dumps(PEERINGDB))
    path = folder / "estate.yaml"
    path.write_text(ESTATE.replace("KEYS", keys))
    return path


def test_routers_take_what_the_files_list_and_no_more(tmp_path: Path) -> None:
    path = written(tmp_path, "only: [v4.json, v6.json, 195.0.0.0/16]\n        peeringdb: {file: pdb.json}")
    inventory = Inventory(load_estate(path))
    upstream = inventory.estate.sites["hk"].upstreams["ix"]
    assert [str(each) for each in upstream.only] == ["v4.json", "v6.json", "195.0.0.0/16"]
    assert (upstream.limit(4), upstream.limit(6)) == (152, 30)
    (conf,) = (
        a.content
        for a in render_host(inventory, inventory.by_name["hk-router-1"])
        if a.path == "/etc/bird/bird.conf"
    )
    assert (
        "net !~ [ 192.88.98.0/24{24,24}, 193.0.0.0/21{21,24}, 194.0.0.0/20{22,23}, 195.0.0.0/16{16,24} ]"
        in conf
    )
    assert "net !~ [ 2a00:1450::/32{32,32} ]" in conf
    assert "import limit 152 action" in conf and "import limit 30 action" in conf


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("only: [none.json]", "there is no file none.json beside the estate's"),
        ("only: [../v4.json]", "a file beside the estate's, or below its folder"),
        ("only: [/etc/v4.json]", "a file beside the estate's, or below its folder"),
        ("only: [pdb.json]", "pdb.json:1: no list of prefixes"),
        ("peeringdb: {file: v4.json}", "v4.json:1: no `data`"),
        ("peeringdb: {file: pdb.json}\n        prefixes: 5", "`prefixes` and `peeringdb` are two limits"),
        ("peeringdb: {file: pdb.json, margin: 120%}", "120"),
        ("peeringdb: {margin: 20%}", "the key is required"),
    ],
)
def test_a_file_that_cannot_serve_is_a_fault_with_the_estates_line(
    keys: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(BadEstate) as caught:
        load_estate(written(tmp_path, keys))
    (fault, *_) = caught.value.faults
    assert says in fault.message and 11 <= fault.line <= 17


def test_what_is_about_another_family_or_network_is_a_fault(tmp_path: Path) -> None:
    path = written(tmp_path, "only: [v6.json]")
    path.write_text(path.read_text().replace(", 2001:db8:ff01::9", ""))
    with pytest.raises(BadEstate, match=r"v6\.json lists IPv6 prefixes, and no session carries IPv6"):
        load_estate(path)
    path = written(tmp_path, "peeringdb: {file: pdb.json}")
    path.write_text(path.read_text().replace("64501", "64502"))
    with pytest.raises(
        BadEstate, match=r"AS64502 says nothing of its IPv6 prefixes in pdb.json \(info_prefixes6\)"
    ):
        load_estate(path)
    path.write_text(path.read_text().replace("64502", "64503"))
    with pytest.raises(BadEstate, match=r"AS64503 is not in pdb\.json"):
        load_estate(path)


def test_a_file_is_as_old_as_it_says_or_as_it_was_written(tmp_path: Path) -> None:
    path = written(tmp_path, "only: [v4.json, v6.json]\n        peeringdb: {file: pdb.json}")
    now = time.time()
    os.utime(tmp_path / "v4.json", (now, now - OLDEST_S - 5))
    (tmp_path / "pdb.json").write_text(json.dumps({**PEERINGDB, "meta": {"generated": now - 77.0}}))
    found = peer_data_beside(path, now)(Inventory(load_estate(path)))
    assert [(each.name, each.loc[4:], round(each.age_s / 10)) for each in found] == [
        ("v4.json", ("only", 0), round((OLDEST_S + 5) / 10)),
        ("v6.json", ("only", 1), 0),
        ("pdb.json", ("peeringdb", "file"), 8),
    ]


def test_what_lies_beside_is_text_of_a_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "only: [v4.json]")
    (tmp_path / "v4.json").write_bytes(b"\xff")
    with pytest.raises(BadEstate, match=r"v4.json is no UTF-8 text"):
        load_estate(path)
    monkeypatch.setattr("trimtab.estate.load.MOST_BESIDE", 0)
    with pytest.raises(BadEstate, match=r"v4.json has 1 bytes, at most 0 are read"):
        load_estate(path)
