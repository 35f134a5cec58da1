"""A value of the estate can never become a directive: it is refused where it is read, or the daemon's statements stay
what they were."""

from __future__ import annotations

import re
from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.estate.make import SMALL
from trimtab.daemons.rendered import render_host
from trimtab.estate.fault import BadEstate
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate

NASTY = st.text(
    alphabet=st.sampled_from(list("ab/.-_ \t\n\r\"'`$\\;{}()[]<>#|&!%,:=~^*?0é\u2028\x00")),
    min_size=1,
    max_size=30,
)
PLACES = {
    "estate: small": "estate: {}",
    "zone: small.example": "zone: {}",
    "www.small.example]": "{}]",
    "get: /health": "get: {}",
    "[{pool: web}]": "[{{pool: web, path: {}}}]",
    "{pool: web}": "{{pool: web, suffix: [{}]}}",
    "routes: [{pool: web}]": "routes: [{{redirect: {}}}]",
    "hosts: backend": "hosts: {}",
    "pools:\n": "kernel: {{sysctl: {{net.core.x: {}}}}}\npools:\n",
    "zone: small.example\n": "zone: small.example\nkernel: {{sysctl: {{{}: 1}}}}\n",
    "[{pool: web}] ": "",
}
PLACES.pop("[{pool: web}] ")
HEADERS = "[{{pool: web, header: {{{}: {}}}}}]"


def quoted(value: str) -> str:
    """As a YAML double-quoted scalar, so that any character reaches the model."""
    return '"' + "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08x}" for c in value) + '"'


def structure(text: str) -> Counter[str]:
    """What a daemon would see of a file: how often each directive stands there, and every bare brace and semicolon."""
    bare = re.sub(r"'[^']*'|\"(?:[^\"\\\n]|\\.)*\"", "Q", text)
    words = [line.split()[0] for line in bare.splitlines() if line.strip() and " = " not in line]
    return Counter(words) + Counter(c for c in bare if c in "{};")


def files(text: str) -> dict[str, str] | None:
    try:
        inventory = Inventory(read_estate(text)[0])
    except BadEstate:
        return None
    found = [a for h in inventory.hosts for a in render_host(inventory, h)]
    return {f"{i}{a.path}": a.content for i, a in enumerate(found)}


def same_shape(text: str, harmless: str) -> None:
    got, want = files(text), files(harmless)
    assert want is not None
    if got is None:
        return
    assert got.keys() == want.keys()
    for path, content in got.items():
        assert len(content.splitlines()) == len(want[path].splitlines()), path
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", content), path
        assert structure(content) == structure(want[path]), path


@settings(max_examples=300, deadline=None)
@example(place="[{pool: web}]", value="/", engine="nginx")
@example(place="[{pool: web}]", value="/", engine="haproxy")
@given(place=st.sampled_from(sorted(PLACES)), value=NASTY, engine=st.sampled_from(["haproxy", "nginx"]))
def test_no_value_becomes_a_statement(place: str, value: str, engine: str) -> None:
    plain = {"get: /health": "/plain", "[{pool: web}]": "/plain", "{pool: web}": ".plain"}.get(place, "plain")
    plain = {"routes: [{pool: web}]": "https://plain.example/", "hosts: backend": "backend"}.get(place, plain)
    plain = {"zone: small.example": "plain.example", "www.small.example]": "plain.example"}.get(place, plain)
    plain = "net.core.plain" if place.startswith("zone: small.example\n") else plain
    if place == "[{pool: web}]" and value == "/":
        plain = "/"  # the root: a route for everything, which has no condition
    tail = f"tiers: {{proxy: {{engine: {engine}}}}}\n"
    text = SMALL.replace(place, PLACES[place].format(quoted(value)), 1) + tail
    harmless = SMALL.replace(place, PLACES[place].format(quoted(plain)), 1) + tail
    same_shape(text, harmless)


@settings(max_examples=200, deadline=None)
@given(name=NASTY, value=NASTY, engine=st.sampled_from(["haproxy", "nginx"]))
def test_no_header_match_becomes_a_statement(name: str, value: str, engine: str) -> None:
    tail = f"tiers: {{proxy: {{engine: {engine}}}}}\n"
    text = SMALL.replace("[{pool: web}]", HEADERS.format(quoted(name), quoted(value)), 1) + tail
    harmless = SMALL.replace("[{pool: web}]", HEADERS.format("x-plain", "plain"), 1) + tail
    same_shape(text, harmless)
