"""The fields of a record that came as JSON: each is asked for with what it has to be, and is that, or BadRecord is raised."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from trimtab.registry import fields
from trimtab.registry.fields import BadRecord, is_number, named, shown
from trimtab.registry.record import NAME, POOL

SITE, HOST = POOL, NAME  # one pattern each, also in the registry
WORD = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")  # names of rules and permits
TARGET = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}(/[a-z0-9][a-z0-9.-]{0,62})?")  # a site, a proxy, POOL/MEMBER
NUMBER = re.compile(r"[0-9]{10}")
MOST = 2**63 - 1  # what etcd counts revisions in


class Named:
    """The parts of a key after its kind, in order."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)

    def site(self) -> str:
        return named(SITE, "site", self._names.pop(0))

    def host(self) -> str:
        return named(HOST, "host", self._names.pop(0))

    def identifier(self) -> str:
        return named(WORD, "name", self._names.pop(0))

    def number(self) -> int:
        return int(named(NUMBER, "number", self._names.pop(0)))


class Body:
    """An object by name, or a row by place. A field that is missing is null, and seldom allowed to be."""

    def __init__(self, fields: dict[str, Any] | list[Any]) -> None:
        self._fields = fields

    @staticmethod
    def of(value: bytes, most: int) -> Body:
        """most: bytes. Raises BadRecord."""
        return Body(fields.opened(value, most))

    def _get(self, name: str | int) -> Any:
        if isinstance(self._fields, dict):
            return self._fields.get(str(name))
        return self._fields[int(name)]

    def site(self, name: str | int) -> str:
        return named(SITE, str(name), self._get(name))

    def target(self, name: str | int) -> str:
        return named(TARGET, str(name), self._get(name))

    def identifier(self, name: str | int, empty: bool = False) -> str:
        found = self._get(name)
        return "" if empty and found == "" else named(WORD, str(name), found)

    def words(self, name: str | int, most: int = 200) -> str:
        """What a person wrote for persons: any language, nothing that a terminal obeys."""
        return fields.words(str(name), self._get(name), most)

    def one_of(self, name: str | int, known: Sequence[Any]) -> Any:
        return fields.one_of(str(name), self._get(name), known)

    def truth(self, name: str | int) -> bool:
        return fields.truth(str(name), self._get(name))

    def whole(self, name: str | int, most: int = MOST, absent: int | None = None) -> int:
        """absent: of a record that was written before there was such a field; without it the field has to be there."""
        found = self._get(name)
        return absent if found is None and absent is not None else fields.number(str(name), found, 0, most)

    def time(self, name: str | int, absent: float | None = None) -> float:
        found = self._get(name)
        return absent if found is None and absent is not None else fields.time(found, str(name))

    def span(self, name: str | int, most: float) -> float:
        found = self._get(name)
        if not is_number(found) or not 0 < found <= most:
            raise BadRecord(f"{name} {shown(found)!r}: more than 0 and at most {most:g} seconds are expected")
        return float(found)

    def share(self, name: str | int) -> float | None:
        found = self._get(name)
        if found is None:
            return None
        if not is_number(found) or not 0 <= found <= 1e9:
            raise BadRecord(f"{name} {shown(found)!r}: a share is expected, 1.0 for all")
        return float(found)

    def inner(self, name: str) -> Body:
        found = self._get(name)
        if not isinstance(found, dict):
            raise BadRecord(f"{name}: an object is expected")
        return Body(found)

    def texts(self, name: str, most: int) -> dict[str, str]:
        """Names of sites, each with a text of whatever length."""
        found = self._get(name)
        if not isinstance(found, dict) or len(found) > most:
            raise BadRecord(f"{name}: an object of at most {most} texts is expected")
        for key, value in found.items():
            named(SITE, str(name), key)
            if not isinstance(value, str):
                raise BadRecord(f"{name}: a text is expected for {shown(key)}, got {shown(value)!r}")
        return dict(found)

    def numbers(self, name: str | int, most: int) -> tuple[tuple[int, ...], ...]:
        """Communities: two numbers of 16 bits, or three of 32."""
        found = self._get(name)
        if not isinstance(found, list) or len(found) > most:
            raise BadRecord(f"{name}: a list of at most {most} is expected")
        for each in found:
            if not isinstance(each, list) or len(each) not in (2, 3):
                raise BadRecord(f"{name}: two numbers or three are expected, got {shown(each)!r}")
            for part in each:
                fields.number(str(name), part, 0, 2**16 - 1 if len(each) == 2 else 2**32 - 1)
        return tuple(map(tuple, found))

    def rows(self, name: str, most: int, width: int) -> Iterator[Body]:
        found = self._get(name)
        if not isinstance(found, list) or len(found) > most:
            raise BadRecord(f"{name}: a list of at most {most} is expected")
        for row in found:
            if not isinstance(row, list) or len(row) != width:
                raise BadRecord(f"{name}: rows of {width} are expected, got {shown(row)!r}")
            yield Body(row)


def encoded(
    key: str, body: Mapping[str, Any], decode: Callable[[str, bytes], object], *, ascii_: bool = True
) -> bytes:
    """The value of a record. Raises BadRecord for one that `decode` would not take: here its writer learns of it."""
    try:
        text = json.dumps(body, separators=(",", ":"), sort_keys=True, allow_nan=False, ensure_ascii=ascii_)
        value = text.encode()
    except ValueError as error:  # a number that is none, half a character
        raise BadRecord(f"{shown(key)}: {shown(error)}") from error
    decode(key, value)
    return value
