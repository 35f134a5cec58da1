"""A vantage point's view in the estate store: `view/SITE/HOST`, under the lease of its host's agent.

    {"at": 1732300000.0, "sites": {"hk": "10- htc 1732299000.0 https 503"}}

Of each site: what https, tcp and icmp say (1, 0, - for unknown), which of them are asked, since when, and why not. In one
line, because an estate has up to 200 sites and every one of its observers writes them all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress

from trimtab.daemons.front.judge import PROBES, Probe
from trimtab.ops.arbiter.fields import Body, Named
from trimtab.ops.health.reading import MAX_WHY, Reading
from trimtab.ops.health.verdict import View
from trimtab.registry.fields import BadRecord, shown

KIND = "view"
MAX_VALUE = 256 * 1024  # bytes
MAX_SITES = 1000
SIGNS = {"1": True, "0": False, "-": None}
LETTERS: dict[str, Probe] = {"h": "https", "t": "tcp", "c": "icmp"}
AGAIN_S = 15.0  # a view is written anew after so long
FRESH_S = 3 * AGAIN_S  # older ones count as missing


def key_of(view: View) -> str:
    return f"{KIND}/{view.vantage_site}/{view.host}"


def encode(view: View) -> bytes:
    sites = {site: _line(reading) for site, reading in sorted(view.readings.items())}
    return json.dumps({"at": view.at, "sites": sites}, separators=(",", ":")).encode()


def decode(key: str, value: bytes) -> View:
    """Raises BadRecord."""
    kind, *names = key.split("/")
    if kind != KIND or len(names) != 2:
        raise BadRecord(f"{shown(key)}: no view")
    try:
        named, body = Named(names), Body.of(value, MAX_VALUE)
        lines = body.texts("sites", MAX_SITES)
        readings = {site: _reading(site, line) for site, line in lines.items()}
        return View(named.site(), named.host(), readings, body.time("at"))
    except BadRecord as error:
        raise type(error)(f"{shown(key)}: {error}") from error


def views_of(records: Mapping[str, bytes]) -> list[View]:
    """Of every vantage point that can be read."""
    found = []
    for key, value in records.items():
        if key.startswith(f"{KIND}/"):
            with suppress(BadRecord):
                found.append(decode(key, value))
    return found


def _line(reading: Reading) -> str:
    values = (reading.https, reading.tcp, reading.icmp)
    signs = "".join("-" if value is None else "1" if value else "0" for value in values)
    asked = "".join(letter for letter, probe in LETTERS.items() if probe in reading.asked) or "-"
    why = "".join(char if char.isprintable() else "?" for char in reading.why)
    return f"{signs} {asked} {reading.since:.3f} {why}"


def _reading(site: str, line: str) -> Reading:
    signs, asked, since, why = (*line.split(" ", 3), "", "", "")[:4]
    try:
        https, tcp, icmp = (SIGNS[sign] for sign in signs)
        probes = tuple(LETTERS[letter] for letter in asked if letter != "-")
        at = float(since[:24])
    except (KeyError, ValueError) as error:
        raise BadRecord(f"{site}: {shown(line)!r} is no reading") from error
    if not 0 <= at < 1e11 or len(why) > MAX_WHY or not why.isprintable():
        raise BadRecord(f"{site}: {shown(line)!r} is no reading")
    return Reading(site, https, tcp, icmp, at, why, tuple(p for p in PROBES if p in probes))
