"""What this host registers: a folder of JSON files, one endpoint each, read with suspicion.

    {"pool": "api", "port": 8080}      further, with their defaults: "address": the host's, "name": the host's,
                                       "weight": 100, "version": "", "tags": []

A file that cannot be used is refused with a reason, and what it said before holds on. A file that is gone deregisters, but
only what two looks one after the other did not see, and none while there is a file that could never be read: it may be
the one that is missing, under another name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trimtab.registry.codec import decode, encode
from trimtab.registry.fields import BadRecord, shown
from trimtab.registry.record import Member

MAX_FILES, MAX_BYTES = 256, 16 * 1024
KEYS = {"pool", "port", "address", "name", "weight", "version", "tags"}
ANY_ID = 1  # until the registry has given it one
Stamp = tuple[int, int, int]
Refuse = Callable[[str, str], None]  # file, why


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a file need not say, and the pools that it may name: those that the estate discovers."""

    host: str
    address: str
    pools: tuple[str, ...]


def parse(content: bytes, defaults: Defaults) -> Member:
    """A member without a number of its own yet. Raises BadRecord."""
    body = _object(content)
    if strange := set(body) - KEYS:
        raise BadRecord(f"unknown {shown(', '.join(sorted(strange)))}; there are {', '.join(sorted(KEYS))}")
    if missing := [key for key in ("pool", "port") if key not in body]:
        raise BadRecord(
            f'{" and ".join(missing)} missing: at least {{"pool": NAME, "port": NUMBER}} is expected'
        )
    pool, name = body.pop("pool"), body.pop("name", defaults.host)
    for key, value in (("pool", pool), ("name", name)):
        if not isinstance(value, str) or "/" in value:
            raise BadRecord(f"{key} {shown(value)!r}: a name without `/` is expected")
    record = {"address": defaults.address, **body, "id": ANY_ID}
    member = decode(f"members/{pool}/{name}", json.dumps(record).encode())
    assert isinstance(member, Member)
    if pool not in defaults.pools:
        raise BadRecord(f"pool {pool!r}: {_discovered(pool, defaults.pools)}")
    return member


def _object(content: bytes) -> dict[str, Any]:
    """Raises BadRecord with the place of what is wrong."""
    try:
        body = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise BadRecord(f"not UTF-8 at byte {error.start + 1}: write it as UTF-8") from error
    except (ValueError, RecursionError) as error:  # RecursionError: nested too deep
        raise BadRecord(f"not JSON: {shown(error, 120)}; one object is expected") from error
    if not isinstance(body, dict):
        raise BadRecord(f"a {type(body).__name__} is there, one JSON object is expected")
    return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises ValueError for a key that is there twice: which of the two is meant nobody knows."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key} is there twice")
        found[key] = value
    return found


def _discovered(pool: str, pools: tuple[str, ...]) -> str:
    if pools:
        return f"no pool of the estate has it in `discover`; there are {shown(', '.join(pools), 150)}"
    return f"no pool of the estate has `discover`; nobody registers here until one has `discover: {pool}`"


class Folder:
    """The files, and what they said when they last could be used."""

    def __init__(self, path: Path, defaults: Defaults, refuse: Refuse = lambda file, why: None) -> None:
        self._path, self._defaults, self._refuse = path, defaults, refuse
        self._stamps: dict[str, Stamp] = {}
        self._good: dict[str, Member] = {}
        self._bad: dict[str, str] = {}
        self._second: dict[str, str] = {}
        self._files: dict[str, str] = {}  # POOL/NAME → the file that says it
        self._seen = False  # the folder was there once
        self._clear = 0  # looks in a row that saw everything, or else what it said before
        self._before: frozenset[str] = frozenset()  # what the look before the last one wanted
        self.looked = False
        self.wanted: dict[str, Member] = {}  # POOL/NAME → member

    def look(self) -> bool:
        """Read what has changed; whether `wanted` or `gone` may be another. Raises OSError where the folder cannot be
        read: what it said holds on, over a restart too.
        """
        self.looked, clear, self._clear = True, self._clear, 0
        names = self._names()
        found = self._stats(names)
        self._forget(set(names), set(found))
        for file, stamp in sorted(found.items()):
            if self._stamps.get(file) != stamp:
                self._read(file)
                self._stamps[file] = stamp
        self._clear = clear + 1 if self._seen and not self._unread() else 0
        before, self._before = self._before, frozenset(self.wanted)
        return self._gather() or self._clear == 2 or not before <= self._before

    def gone(self, key: str) -> bool:
        """Nobody wants it any more, for certain."""
        return self._clear >= 2 and key not in self.wanted and key not in self._before

    def unsure(self) -> bool:
        """The last look did not see everything: what nobody wants any more is held (`holder`)."""
        return self.looked and not self._clear

    def holder(self) -> str:
        """The file, or the folder, that has to be readable before anybody is gone."""
        return f"{self._path.name}/{min(unread)}" if (unread := self._unread()) else self._path.name

    def file_of(self, key: str) -> str | None:
        """Which file registers POOL/NAME."""
        file = self._files.get(key)
        return f"{self._path.name}/{file}" if file else None

    def _unread(self) -> set[str]:
        """Bad files of which nothing is known: each may be the renamed file of a member."""
        return self._bad.keys() - self._good.keys()

    def _names(self) -> list[str]:
        """No folder is an empty one, once it was there."""
        try:
            with os.scandir(self._path) as entries:
                names = [e.name for e in entries if e.name.endswith(".json") and not e.name.startswith(".")]
        except FileNotFoundError:
            return []
        self._seen = True
        return sorted(names)

    def _stats(self, names: list[str]) -> dict[str, Stamp]:
        for name in names[MAX_FILES:]:
            text = f"one of {len(names)} files; the first {MAX_FILES} by name are read: remove some"
            self._say(self._bad, name, text)
        found = {}
        for name in names[:MAX_FILES]:
            try:
                stat = (self._path / name).stat()
            except OSError as error:
                if (self._path / name).is_symlink():
                    why = f"a link that leads nowhere ({error.strerror}): remove it, or mend what it leads to"
                    self._say(self._bad, name, why)
                elif not isinstance(error, FileNotFoundError):  # this one is gone by now
                    self._say(self._bad, name, f"cannot be read: {error.strerror}")
                continue
            found[name] = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        return found

    def _forget(self, names: set[str], found: set[str]) -> None:
        for file in set(self._bad) - names:
            del self._bad[file]
        for file in set(self._stamps) - found:
            del self._stamps[file]
            if file not in names:  # a link to nothing holds what it said
                self._good.pop(file, None)
                self._second.pop(file, None)
        for file in set(self._good) - names:
            del self._good[file]

    def _read(self, file: str) -> None:
        try:
            self._good[file] = parse(_content(self._path / file), self._defaults)
            self._bad.pop(file, None)
        except BadRecord as error:
            self._say(self._bad, file, str(error))
        except OSError as error:
            self._say(self._bad, file, f"cannot be read: {error.strerror or error}")

    def _gather(self) -> bool:
        """Of two files for one name or one endpoint the first by name of the file holds: a member that is there twice would
        count twice where somebody asks how many are left.
        """
        wanted: dict[str, Member] = {}
        files: dict[str, str] = {}
        endpoints: dict[tuple[str, str, int], str] = {}
        for file, member in sorted(self._good.items()):
            key, endpoint = f"{member.pool}/{member.name}", (member.pool, member.address, member.port)
            if text := _twice(key, endpoint, files, endpoints):
                self._say(self._second, file, text)
                continue
            self._second.pop(file, None)
            wanted[key] = member
            files[key] = endpoints[endpoint] = file
        self._files = files
        changed, self.wanted = wanted != self.wanted, wanted
        return changed

    def refused(self) -> dict[str, str]:
        """File → why."""
        return self._second | self._bad

    def _say(self, where: dict[str, str], file: str, why: str) -> None:
        if where.get(file) != why:
            where[file] = why
            self._refuse(file, why)


def _twice(
    key: str,
    endpoint: tuple[str, str, int],
    files: Mapping[str, str],
    endpoints: Mapping[tuple[str, str, int], str],
) -> str:
    """Why it is one too many, "" where it is not."""
    if key in files:
        return f"{key} is registered by {shown(files[key])} already: remove one, or give another `name`"
    if endpoint in endpoints:
        pool, address, port = endpoint
        where = f"port {port} of {address} in {pool}"
        return (
            f"{where} is registered by {shown(endpoints[endpoint])} already, under another name: remove one"
        )
    return ""


def _content(path: Path) -> bytes:
    """Raises OSError, and BadRecord for what is no file or too long."""
    if not path.is_file():  # a pipe would keep us waiting
        kind = "a folder" if path.is_dir() else "a pipe, socket or device"
        raise BadRecord(f"{kind}, a file is expected: remove it, or end its name otherwise than `.json`")
    with path.open("rb") as stream:
        content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            size = max(len(content), os.fstat(stream.fileno()).st_size)
            raise BadRecord(f"{size} bytes, at most {MAX_BYTES} are read: one endpoint a file")
    return content


def saved_text(members: Mapping[str, Member]) -> bytes:
    """registered.json: what this host has put into the registry, so that it can be taken out after a restart too."""
    body = {key: json.loads(encode(member)) for key, member in sorted(members.items())}
    return (json.dumps({"version": 1, "registered": body}, indent=1) + "\n").encode()


def saved_members(saved: Any) -> dict[str, Member]:
    """POOL/NAME → member, of registered.json; what cannot be one is left out. Raises ValueError."""
    body = saved.get("registered") if isinstance(saved, dict) and saved.get("version") == 1 else None
    if not isinstance(body, dict):
        raise ValueError("an object of version 1 is expected")
    found: dict[str, Member] = {}
    for key, each in body.items():
        with suppress(BadRecord):
            member = decode(f"members/{key}", json.dumps(each).encode())
            assert isinstance(member, Member)
            found[key] = member
    return found
