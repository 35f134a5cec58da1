"""The twin's validator where paths are judged: what it says in RTR 2, whole and by difference, and whose ASPAs it has."""

from __future__ import annotations

import json
import socket
import struct
import threading
from pathlib import Path

import pytest
from tests.estate.make import SMALL

from trimtab.daemons.load import load_estate
from trimtab.errors import BadInput
from trimtab.estate.inventory import Inventory
from trimtab.lab import rpki, rtr_cache
from trimtab.lab.plan import plan
from trimtab.lab.rtr_cache import ASPA, END, IPV4, IPV6, QUERY, RESET, RESPONSE, difference, payloads, pdu

ROAS = [
    {"prefix": "203.0.113.0/24", "maxLength": 24, "asn": 65010},
    {"prefix": "2001:db8::/32", "asn": "AS65020"},
]
ASPAS = [{"customer_asid": 65010, "providers": [64501, 64500]}]


def split(data: bytes) -> list[tuple[int, int, bytes]]:
    """(type, code, body) of each PDU, all of version 2."""
    found = []
    while data:
        version, kind, code, length = rtr_cache.HEADER.unpack_from(data)
        assert version == 2 and length <= len(data)
        found.append((kind, code, data[8:length]))
        data = data[length:]
    return found


def test_payloads_are_as_the_draft_has_them() -> None:
    four, six, aspa = split(difference({}, payloads({"roas": ROAS, "aspas": ASPAS})))
    assert four == (IPV4, 0, bytes((1, 24, 24, 0, 203, 0, 113, 0)) + struct.pack("!I", 65010))
    assert (
        six[:2] == (IPV6, 0)
        and six[2][:4] == bytes((1, 32, 32, 0))
        and six[2][-4:] == struct.pack("!I", 65020)
    )
    assert aspa == (ASPA, 1 << 8, struct.pack("!III", 65010, 64500, 64501))


def test_a_difference_withdraws_what_is_gone_and_says_what_is_other_again() -> None:
    before = payloads({"roas": ROAS, "aspas": [*ASPAS, {"customer_asid": 7, "providers": [8]}]})
    now = payloads({"roas": ROAS[:1], "aspas": [{"customer_asid": 65010, "providers": [64500]}]})
    assert [(kind, code, body[:4]) for kind, code, body in split(difference(before, now))] == [
        (IPV6, 0, bytes((0, 32, 32, 0))),
        (ASPA, 0, struct.pack("!I", 7)),
        (ASPA, 1 << 8, struct.pack("!I", 65010)),
    ]
    assert difference(now, now) == b""


def test_a_router_that_asks_for_all_gets_it_and_then_what_is_new(tmp_path: Path) -> None:
    file = tmp_path / "roas.json"
    file.write_text(json.dumps({"roas": ROAS[:1], "aspas": ASPAS}))
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    threading.Thread(target=rtr_cache._guarded, args=(theirs, file, 9), daemon=True).start()

    def asked(kind: int, session: int) -> list[tuple[int, int]]:
        ours.sendall(pdu(kind, session, struct.pack("!I", 1) if kind == QUERY else b""))
        found: list[tuple[int, int]] = []
        while not found or found[-1][0] not in (END, rtr_cache.CACHE_RESET):
            kind_, code, length = rtr_cache.HEADER.unpack(ours.recv(8, socket.MSG_WAITALL))[1:]
            ours.recv(length - 8, socket.MSG_WAITALL)
            found += [] if kind_ == rtr_cache.NOTIFY else [(kind_, code)]
        return found

    with ours:
        assert asked(QUERY, 9) == [(rtr_cache.CACHE_RESET, 0)], "it has told this router nothing yet"
        assert asked(RESET, 0) == [(RESPONSE, 9), (IPV4, 0), (ASPA, 1 << 8), (END, 9)]
        assert asked(QUERY, 9) == [(RESPONSE, 9), (END, 9)]
        file.write_text(json.dumps({"roas": ROAS[:1]}))
        assert asked(QUERY, 9) == [(RESPONSE, 9), (ASPA, 0), (END, 9)]
        assert asked(QUERY, 8) == [(rtr_cache.CACHE_RESET, 0)], "the session of another cache"


def estate(folder: Path, aspa: str, more: str = "", validator: str = "192.0.2.5:323") -> Inventory:
    path = folder / "estate.yaml"
    path.write_text(
        f'platform: debian-13\nedge: {{rpki: {{validators: ["{validator}"], aspa: {aspa}{more}}}}}\n{SMALL}'
    )
    return Inventory(load_estate(path), shrink=True)


def test_the_estates_own_aspas_name_all_transits_unless_its_file_says_otherwise(tmp_path: Path) -> None:
    found = estate(tmp_path, "true")
    own = found.asn(found.site_names()[0])
    transits = sorted(u.asn for u in found.estate.sites[found.site_names()[0]].upstreams.values())
    assert rpki.aspas(found, "") == [{"customer_asid": own, "providers": transits}]
    (tmp_path / "roas.json").write_text(
        json.dumps({"roas": [], "aspas": [{"customer_asid": own, "providers": [7]}]})
    )
    stated = estate(tmp_path, "true", ", roas: roas.json")
    assert rpki.aspas(stated, str(tmp_path / "estate.yaml")) == [{"customer_asid": own, "providers": [7]}]
    (tmp_path / "roas.json").unlink()
    with pytest.raises(BadInput, match=r"roas\.json: "):
        rpki.aspas(stated, str(tmp_path / "estate.yaml"))


@pytest.mark.parametrize(("aspa", "program"), [("true", "/usr/bin/python3"), ("false", "/usr/bin/stayrtr")])
def test_where_paths_are_judged_the_twin_has_a_validator_that_knows_aspas(
    aspa: str, program: str, tmp_path: Path
) -> None:
    topology = plan(estate(tmp_path, aspa), "small")
    runs = [
        artifact.content
        for node in topology.nodes
        for artifact in node.files
        if artifact.path.endswith(f"/{rpki.UNIT}")
    ]
    assert runs and all(f"ExecStart={program} " in text for text in runs)


def test_a_validator_is_no_vantage_and_route_servers_and_members_are(tmp_path: Path) -> None:
    found = estate(tmp_path, "true")
    site = found.site_names()[0]
    free = found.vlans(site)[0].network(4)[-10]
    topology = plan(estate(tmp_path, "true", validator=f"{free}:3323"), "small")
    vantages = topology.facts["vantages"]
    assert "validator-1" in {node.name for node in topology.nodes}
    assert isinstance(vantages, dict) and vantages and "validator-1" not in vantages
    exchange = plan(Inventory(load_estate("examples/exchange/estate.yaml"), shrink=True), "exchange").facts[
        "vantages"
    ]
    assert isinstance(exchange, dict)
    assert {name: speaks for name, speaks in exchange.items() if name.startswith("rs-")}
    assert set(exchange.values()) == {"bird", "frr"} and "as420000" in exchange
