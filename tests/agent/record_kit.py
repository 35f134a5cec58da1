"""What every kind of record has to stand: bytes of anybody, and a field that is anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from trimtab.registry.fields import BadRecord

Decode = Callable[[str, bytes], Any]
KeyOf = Callable[[Any], str]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def refused_or_read(decode: Decode, key_of: KeyOf, key: str, value: bytes) -> None:
    """Refused in words that a terminal can show, or what it is kept under is what it was read from."""
    try:
        record = decode(key, value)
    except BadRecord as error:
        assert str(error).isprintable()
    else:
        assert key_of(record) == key


def spoilt(data: st.DataObject, encoded: bytes) -> bytes:
    """The record with one field that is anything."""
    body = json.loads(encoded)
    body[data.draw(st.sampled_from(sorted(body)))] = data.draw(JSON)
    return json.dumps(body).encode()
