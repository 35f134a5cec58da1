"""What an engine of the proxies says of itself. Whoever has to know it asks here, never by the engine's name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from trimtab.agent_config import Unit
from trimtab.daemons.probe import Probe

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """A command on the proxy's host, what it is fed with, and a pure judge of its reply, None where it gave none."""

    command: tuple[str, ...]
    judge: Callable[[str | None], T]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Serving:
    """members: {pool: {address: weight}} of those that get requests, None where nobody tells.
    workers: {"serving": [pid], "leaving": [pid], "failed": failed reloads}, None where nobody tells.
    release: {program: version} of what runs, {} where nobody tells.
    full: whether a unit that does not answer is full; then it works.
    spoil: its file, and the edit by `sed` that makes a valid one which wants 127.0.0.1:{port} too.
    busy: connections under way, by the member's address; None: the engine does not tell.  alive: how many members its own
    checks find well; up: the probe that wants so many of a pool. None for both: it has no checks of its own.
    in_place: a reload takes another version of the program up.  keeps: idle connections to members, whatever the estate's
    `upstream_keepalive` is.
    """

    members: Question[dict[str, dict[str, int]] | None]
    workers: Question[dict[str, Any] | None]
    release: Question[dict[str, str]]
    full: Callable[[Unit], Awaitable[bool]]
    spoil: tuple[str, str]
    busy: Question[Mapping[str, int]] | None = None
    alive: Question[int] | None = None
    up: Probe | None = None
    in_place: bool = False
    keeps: bool = False

    @property
    def checks(self) -> bool:
        """Does it check members itself?"""
        return self.up is not None
