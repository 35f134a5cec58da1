"""BIRD's control socket: whatever is asked ends within the deadline, in an answer or in an error.

Each question has a connection of its own: a restart gives the socket to another process.

What BIRD 2.0.12 was seen to do when a constant changes that export filters use:

- Plain `configure` compares the filters with the constants in them, also in functions that they call, and feeds each
  channel whose export filter is another now ("Reloading channel" in its log). Peers get the UPDATE within milliseconds,
  sessions stay, and `reload out` is not needed. Where nothing differs nothing is sent.
- After somebody's `configure soft` the new filter is in force and was not fed, and no later `configure` feeds it, as it
  finds no difference. `reload out` does.
- `show route export` runs the filter of now: it tells what should be told, already before it is. What was told is in
  `show route export table` if the channel has `export table on`. Otherwise `show route exported` says at least which
  prefixes were.
- `eval PREFIX ~ SET` asks the configuration in force, not the one on disk. A set itself has to fit on a line of 500 bytes;
  of a longer one `eval` has only an error.
- BIRD has no "unchanged": a `configure` that changes nothing is done like any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from ipaddress import ip_network
from pathlib import Path

from trimtab.daemons.bird import wire
from trimtab.daemons.bird.seen import Seen, seen
from trimtab.daemons.bird.shift_file import Left
from trimtab.daemons.bird.wire import (
    Adverts,
    BfdState,
    Channel,
    Configured,
    Prefix,
    ProtocolState,
    Reply,
    Route,
    symbol,
)
from trimtab.errors import InvalidResponse, Unreachable

SOCKET = "/run/bird/bird.ctl"
LIMIT_S = 5.0  # while BIRD feeds a full table it answers, but late


class Bird:
    """limit_s: seconds that one question may take, from connecting to its last reply.

    Every method raises Unreachable (nobody answers, or not in time: what was asked for may have been done), Refused
    (BIRD's words), Conflict (a reconfiguration came between: ask again) and InvalidResponse; BadInput for what is no name.
    """

    def __init__(self, socket: str | Path = SOCKET, limit_s: float = LIMIT_S) -> None:
        self._path, self._limit = str(socket), limit_s

    async def configure(self) -> Configured:
        """Have it read its whole configuration: whatever else was changed there takes effect too. Refused: nothing
        has changed. queued: another reconfiguration has to end first.
        """
        return wire.configured(await self._one("configure"))

    async def check(self) -> None:
        """Raises Refused where the configuration on disk has a fault, with its place."""
        wire.checked(await self._one("configure check"))

    async def protocols(self) -> dict[str, ProtocolState]:
        """All of them, by name."""
        return wire.protocols(await self._one("show protocols"))

    async def channels(self) -> dict[str, tuple[Channel, ...]]:
        """How many routes each protocol has, by name."""
        return wire.channels(await self._one("show protocols all"))

    async def neighbours(self) -> dict[str, str]:
        """The address of each BGP protocol's neighbour, by name."""
        return wire.neighbours(await self._one("show protocols all"))

    async def bfd(self) -> dict[str, BfdState]:
        """By neighbour's address, a link-local one with its interface."""
        return wire.bfd(await self._one("show bfd sessions"))

    async def members(self, asked: Sequence[tuple[Prefix, str]]) -> tuple[bool, ...]:
        """Of each prefix and name of a set: is it in the set that the configuration in force defines? Raises Refused
        where that has no such set.
        """
        replies = await self._ask([f"eval {prefix} ~ {symbol(name)}" for prefix, name in asked])
        return tuple(wire.truth(reply) for reply in replies)

    async def routes(self, prefix: Prefix, table: str = "") -> tuple[Route, ...]:
        """Of exactly this prefix, with communities. table: "" for the main one of its family."""
        return wire.routes(
            await self._one(f"show route {prefix} all{f' table {symbol(table)}' if table else ''}")
        )

    async def of_protocol(self, protocol: str, table: str) -> tuple[Route, ...]:
        """Its own routes in a table. Raises Refused where there is no such protocol."""
        return wire.routes(await self._one(f"show route table {symbol(table)} protocol {symbol(protocol)}"))

    async def filtered(self, protocol: str, prefixes: Collection[Prefix] | None = None) -> Adverts:
        """What its filter lets out now; `exported` tells what has left. prefixes: see there."""
        return _adverts(await self._ask(_questions(prefixes, f"all export {symbol(protocol)}")))

    async def exported(self, protocol: str, prefixes: Collection[Prefix] | None = None) -> Adverts:
        """What its peer has been told: our Adj-RIB-Out. Raises Refused where the session is not up, or has no channel
        for a prefix.

        prefixes: only these, of one family. None is all, and asks BIRD to run the filter over the whole table. Without
        `export table on`, and for None, communities are those that the filter sets now.
        """
        if prefixes and (found := await self._export_table(symbol(protocol), list(prefixes))) is not None:
            return found
        told = _adverts(await self._ask(_questions(prefixes, f"exported {symbol(protocol)}")))
        now = await self.filtered(protocol, prefixes)
        return {prefix: now.get(prefix, frozenset()) for prefix in told}

    async def runs_shift(self, number: int) -> bool:
        """Whether the configuration in force has `shift.conf` with this number. Raises Refused where it has none."""
        return wire.truth(await self._one(f"eval SHIFT = {number:d}"))

    async def leaving(self, protocol: str, prefixes: Collection[Prefix]) -> dict[Prefix, Left]:
        """What its filter lets out now, with path, MED and communities. Of several routes for a prefix the last."""
        replies = await self._ask(_questions(prefixes, f"all export {symbol(protocol)}"))
        return {ip_network(each.prefix): _left(each) for reply in replies for each in seen(reply)}

    async def reload_out(self, protocol: str) -> None:
        """Run its export filter anew over every route and tell the difference. The session stays."""
        wire.accepted(await self._one(f"reload out {symbol(protocol)}"))

    async def _export_table(self, protocol: str, prefixes: list[Prefix]) -> Adverts | None:
        """None: the channel keeps none."""
        channel = f"{protocol}.ipv{prefixes[0].version}"
        replies = await self._ask(_questions(prefixes, f"all export table {channel}"))
        if any(reply.code == 9001 and reply.text.startswith("No export table") for reply in replies):
            return None
        return _adverts(replies)

    async def ask(self, commands: Sequence[str]) -> list[Reply]:
        """Whatever is asked, a reply each; judging them is the caller's."""
        return await self._ask(commands)

    async def _one(self, command: str) -> Reply:
        return (await self._ask([command]))[0]

    async def _ask(self, commands: Sequence[str]) -> list[Reply]:
        """One connection; one reply a command, in order."""
        lines = [wire.encode(command) for command in commands]
        try:
            async with asyncio.timeout(self._limit):
                return await self._talk(lines)
        except TimeoutError as error:
            raise Unreachable(
                f"BIRD at {self._path} has not answered within {self._limit} s",
                "it hangs, or the machine is overloaded",
            ) from error
        except OSError as error:
            raise Unreachable(f"BIRD at {self._path}: {error.strerror or error}", "is it running?") from error

    async def _talk(self, lines: Sequence[bytes]) -> list[Reply]:
        reader, writer = await asyncio.open_unix_connection(self._path)
        try:
            replies = wire.Replies()
            wire.greeted(await self._reply(reader, replies))
            found = []
            for line in lines:  # BIRD answers one after the other, so the next waits for the reply
                writer.write(line)
                found.append(await self._reply(reader, replies))
            return found
        finally:
            writer.transport.abort()  # closing may wait for a peer that does not read

    async def _reply(self, reader: asyncio.StreamReader, replies: wire.Replies) -> Reply:
        while chunk := await reader.read(2**16):
            if found := replies.feed(chunk):
                if len(found) > 1:
                    raise InvalidResponse(f"BIRD at {self._path} gave {len(found)} replies to one command")
                return found[0]
        raise Unreachable(f"BIRD at {self._path} went away before it answered")


def _questions(prefixes: Collection[Prefix] | None, rest: str) -> list[str]:
    """By prefix BIRD looks it up; otherwise it walks the table."""
    return (
        [f"show route {rest}"] if prefixes is None else [f"show route {prefix} {rest}" for prefix in prefixes]
    )


def _left(route: Seen) -> Left:
    pairs = (tuple(map(int, each.split(":"))) for each in route.communities)
    return Left(len(route.path.split()), route.med or 0, frozenset({*pairs, *route.large}))


def _adverts(replies: Sequence[Reply]) -> Adverts:
    """Of several routes for a prefix only what all of them carry counts as carried."""
    found: dict[Prefix, frozenset[tuple[int, int]]] = {}
    for route in (route for reply in replies for route in wire.routes(reply)):
        found[route.prefix] = found.get(route.prefix, route.communities) & route.communities
    return found
