"""The table of changes: eight kinds of entry, each added, removed, changed; and what of the running estate each one names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

NONE = r"(?!)"
BASE = Path(__file__).parent / "estates" / "moves.yaml"


@dataclass(frozen=True, slots=True)
class Entry:
    """edits: (text of BASE, what stands there instead).  sessions: regular expression for the BGP sessions that it names.

    vips, prefixes: addresses and routes that it names.  networks: VLANs that the routers get first.
    """

    edits: tuple[tuple[str, str], ...]
    sessions: str = NONE
    vips: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    networks: tuple[str, ...] = field(default=())


API = "  api: {names: [api.moves.example], vip: 2, routes: [{pool: api}]}\n"
OLD = "  old: {names: [old.moves.example], routes: [{pool: web}]}\n"
STYLE = "  style: {hosts: spare, port: 8080, check: {get: /health, every: 500ms, fast: 100ms}}\n"
SPARE = "  spare: {roles: [backend], id: 1}\n"
ISP_B = '      isp-b: {asn: 64501, peer: [198.51.100.9, "2001:db8:ff02::1"]}\n'
LINK = "  - {between: [one, two], rtt: 10ms}\n"
TWO = "  two:\n    id: 2\n    at: [50.1, 8.7]\n    asn: 64513\n    hosts: {router: 1}\n"
THREE = "  three:\n    id: 3\n    at: [48.9, 2.4]\n    asn: 64514\n    hosts: {router: 1}\n"
EDGE = "edge: {anycast: {prefixes: [203.0.113.0/24]}}\n"
SITE_TWO = r"site_two[46]"
B = r"(up_isp_b|to_one_isp[^_]?_?b_\d_)[46]"
VIP2 = ("198.18.1.11", "2001:db8:1::b")

CHANGES: Mapping[str, Entry] = {
    "vip added": Entry((("services:\n", "services:\n  adm: {names: [adm.moves.example], vip: 3, routes: [{pool: web}]}\n"),)),
    "vip removed": Entry(((API, API.replace(" vip: 2,", "")),), vips=VIP2),
    "vip changed": Entry(((API, API.replace("vip: 2", "vip: 7")),), vips=VIP2),
    "service added": Entry((("services:\n", "services:\n  adm: {names: [adm.moves.example], routes: [{pool: api}]}\n"),)),
    "service removed": Entry(((OLD, ""),)),
    "service changed": Entry(((OLD, OLD.replace("[old.moves.example]", "[old.moves.example, older.moves.example]")),)),
    "group added": Entry((
        (SPARE, SPARE + "  more: {roles: [backend], id: 2}\n"), ("spare: 1}", "spare: 1, more: 1}"),
    ), networks=("vlan182",)),
    "group removed": Entry((
        ("groups:\n" + SPARE, ""), (", spare: 1}", "}"), ("{path: /style/, pool: style}, ", ""), (STYLE, ""),
    )),
    "group changed": Entry(((SPARE, SPARE.replace("id: 1", "id: 3")),), networks=("vlan183",)),
    "host added": Entry((("proxy: 2", "proxy: 3"),), sessions=r"(front_3|router_\d)[46]"),
    "host removed": Entry((("    upstreams:\n", "    retired: [one-proxy-1]\n    upstreams:\n"),), sessions=r"front_1[46]|router_\d[46]"),
    "host changed": Entry((("    upstreams:\n", "    addresses: {one-backend-2: 10.1.80.77}\n    upstreams:\n"),)),
    "site added": Entry((("links:\n", THREE + "links:\n"),)),
    "site removed": Entry(((TWO, ""), ("links:\n" + LINK, "")), sessions=SITE_TWO),
    "site changed": Entry(((TWO, TWO.replace("64513", "64515")),), sessions=SITE_TWO),
    "pool added": Entry((
        ("pools:\n", "pools:\n" + STYLE.replace("style", "pics")), ("{path: /style/,", "{path: /pics/, pool: pics}, {path: /style/,"),
    )),
    "pool removed": Entry((("{path: /style/, pool: style}, ", ""), (STYLE, ""))),
    "pool changed": Entry(((STYLE, STYLE.replace("500ms", "800ms")),)),
    "upstream added": Entry(((ISP_B, ISP_B + "      isp-c: {asn: 64502, peer: [198.51.100.17]}\n"),)),
    "upstream removed": Entry(((ISP_B, ""),), sessions=B),
    "upstream changed": Entry(((ISP_B, ISP_B.replace("asn: 64501,", "asn: 64501, prepend: 2,")),), sessions=B),
    "network added": Entry(((EDGE, EDGE.replace("/24]", "/24, 192.0.2.0/24]")),)),
    "network removed": Entry(((EDGE, ""),), prefixes=("203.0.113.0/24",)),
    "network changed": Entry(((LINK, LINK.replace("10ms", "20ms")),)),
}  # fmt: skip
QUICK = ("vip added", "group added", "site removed", "upstream changed")


def changed(entry: Entry) -> str:
    """The estate's text after it; each edit has to find its place."""
    text = BASE.read_text()
    for old, new in entry.edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text
