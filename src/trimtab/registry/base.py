"""What an engine of the registry has to do. A registry is a flat map of keys to small values, with a revision.

Keys look like `members/api/hk-backend-1` (see `record`); the engine puts the estate's name before them, so estates can
share a registry. Errors are those of `trimtab.errors`. Nothing here is ever partial: a read that cannot be completed raises.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every record at one revision."""

    revision: int
    records: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes in order, up to and including `revision`. None: the key is gone."""

    revision: int
    changes: tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Write:
    """One transaction: all of it happens, or nothing.

    absent: keys that must not exist.  equal: keys and the value they must have.  lease: the puts of `leased` end with it.
    """

    put: Mapping[str, bytes] = field(default_factory=dict)
    delete: tuple[str, ...] = ()
    leased: Mapping[str, bytes] = field(default_factory=dict)
    lease: int = 0
    absent: tuple[str, ...] = ()
    equal: Mapping[str, bytes] = field(default_factory=dict)


class AccessLike(Protocol):
    """Where a registry is and how to be let in: `agent_config.RegistryAccess`, which drivers do not import.

    ca, certificate, key, password are paths of files, "" for none; prefix begins every key of the estate.
    """

    @property
    def engine(self) -> str: ...
    @property
    def endpoints(self) -> tuple[str, ...]: ...
    @property
    def prefix(self) -> str: ...
    @property
    def ca(self) -> str: ...
    @property
    def certificate(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def password(self) -> str: ...


class Reader(Protocol):
    """What follows a registry."""

    async def read(self) -> Snapshot:
        """Everything, at one revision. Raises Unreachable, Refused, InvalidResponse."""
        ...

    def watch(self, after: int) -> AsyncIterator[Batch]:
        """Every change after a revision, in order, as it comes. Raises as `read`, and Compacted where the
        revision is no longer kept (read everything again). Ends by raising only.
        """
        ...


class Writer(Protocol):
    """What registers in it."""

    async def write(self, change: Write) -> int:
        """The revision. Raises Conflict where `absent` or `equal` do not hold, LeaseGone, and as `read`."""
        ...

    async def grant(self, ttl_s: float) -> int:
        """A lease: what is bound to it ends when it is not kept for `ttl_s` seconds. Raises as `read`.

        An engine may have a longer shortest time; `keep` tells what it is.
        """
        ...

    async def keep(self, lease: int) -> float:
        """Begin its time anew; seconds until it ends. Raises LeaseGone, and as `read`."""
        ...


class Registry(Reader, Writer, Protocol):
    """Both, and an end: connections are closed; leases run out by themselves."""

    async def close(self) -> None: ...
