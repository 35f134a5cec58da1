"""An estate's registries in memory, and this machine as one of its hosts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.cli_kit import SHOP, follows_its_schema
from trimtab.cli import estate_store, registries
from trimtab.cli.app import app
from trimtab.errors import Conflict, LeaseGone, Unreachable
from trimtab.estate.addressing import PORTS
from trimtab.registry.base import Snapshot, Write
from trimtab.registry.codec import decode, encode
from trimtab.registry.record import Override, Record, key_of

Do = Callable[..., tuple[int, str, str]]  # a line to type, then words with blanks in them


class Memory:
    """One registry: that of every site that is asked, or the estate's store. down: nobody answers."""

    def __init__(self) -> None:
        self.records: dict[str, bytes] = {}
        self.down, self._leases = False, 0

    def has(self, *records: Record) -> None:
        self.records |= {key_of(record): encode(record) for record in records}

    def lacks(self, *keys: str) -> None:
        for key in keys:
            del self.records[key]

    def override(self, key: str) -> Override:
        found = decode(key, self.records[key])
        assert isinstance(found, Override)
        return found

    def kept(self, kind: str) -> list[str]:
        return sorted(key for key in self.records if key.startswith(f"{kind}/"))

    def _there(self) -> None:
        if self.down:
            raise Unreachable("nobody answers")

    async def read(self) -> Snapshot:
        self._there()
        return Snapshot(1, dict(self.records))

    async def write(self, change: Write) -> int:
        self._there()
        if any(key in self.records for key in change.absent) or any(
            self.records.get(key) != value for key, value in change.equal.items()
        ):
            raise Conflict("not as it was read")
        if change.leased and not 0 < change.lease <= self._leases:
            raise LeaseGone("no such lease")
        self.records |= {**change.put, **change.leased}
        for key in change.delete:
            self.records.pop(key, None)
        return 2

    async def grant(self, ttl_s: float) -> int:
        self._there()
        self._leases += 1
        return self._leases

    async def keep(self, lease: int) -> float:
        self._there()
        return 5.0

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def store() -> Memory:
    """The estate's."""
    return Memory()


@pytest.fixture
def memory(store: Memory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Memory:
    """The sites'. This machine is a host of the estate."""
    found, port = Memory(), f":{PORTS['estate-client']}"
    (tmp_path / "file").write_text("")
    for module in (registries, estate_store):
        for name in ("CA", "CERTIFICATE", "KEY", "PASSWORD"):
            monkeypatch.setattr(module, name, str(tmp_path / "file"))
    monkeypatch.setattr(
        "trimtab.registry.engines.connect",
        lambda access: store if access.endpoints[0].endswith(port) else found,
    )
    monkeypatch.setenv("SUDO_USER", "li")
    return found


@pytest.fixture
def do(memory: Memory, capsys: pytest.CaptureFixture[str]) -> Do:
    def run(words: str, *more: str) -> tuple[int, str, str]:
        code: Any = app([*words.split(), *more, "-e", str(SHOP)], standalone_mode=False)
        said = capsys.readouterr()
        if "--json" in (typed := [*words.split(), *more]):
            follows_its_schema(typed, said.out)
        return code, said.out, said.err

    return run
