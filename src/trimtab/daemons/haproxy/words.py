"""Words that may go to HAProxy: one harmless word each, or BadInput. Pure.

Somebody else's values end up in commands, and a command's line has no quoting: whatever could end a word or a line, begin
another command or a payload, or name an entry by its number is refused.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from trimtab.errors import BadInput

MAX_WEIGHT = 256
STAGE = "inner.once"  # the second stage of a request (`once.py`); no pool can be called so: names have no dot

# No blank, `;`, `\`, quote, `#` or `<`.
WORD = re.compile(r"[A-Za-z0-9_./:@+,=()%~-]{1,250}")
NAME = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
PATH = re.compile(r"/[A-Za-z0-9_./:@+,=~-]{1,250}")


def word(text: str, what: str = "word") -> str:
    """`text`, if it is one harmless word. Raises BadInput."""
    return _matching(WORD, text, what)


def endpoint(address: str) -> tuple[str, int]:
    """`A:P` or `[A]:P` taken apart, the address in its normal form. Raises BadInput: HAProxy itself takes a port of
    70000 for 4464, connects wherever the client wanted to go for 0.0.0.0, and never looks up a name here.
    """
    host, _, port = address.rpartition(":")
    try:
        found = ip_address(host[1:-1] if host[:1] + host[-1:] == "[]" else host)
        number = int(port) if port.isascii() and port.isdecimal() and len(port) < 6 else 0
    except ValueError as error:
        raise BadInput(f"{shown(address)} is not ADDRESS:PORT", "a numeric address and a port") from error
    if not 0 < number < 65536 or found.is_unspecified or getattr(found, "scope_id", None):
        raise BadInput(f"{shown(address)} is not ADDRESS:PORT", "a port of 1 to 65535, no scope, not 0.0.0.0")
    return str(found), number


def name(text: str) -> str:
    return _matching(NAME, text, "name")


def path(text: str) -> str:
    return _matching(PATH, text, "path")


def weight(value: int) -> int:
    return number("weight", value, 0, MAX_WEIGHT)


def number(what: str, value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise BadInput(f"{what} {value}", f"{low} to {high}")
    return value


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    if pattern.fullmatch(text) is None:
        raise BadInput(
            f"{what} {shown(text)} would not reach HAProxy as one word", f"it has to match {pattern.pattern}"
        )
    return text


def shown(text: str) -> str:
    return ascii(text)[:100]
