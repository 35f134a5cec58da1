"""Ask a validator for its whole list by RTR: it ends within the deadline, in a list or in an error."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from trimtab.drivers.rtr import wire
from trimtab.errors import Unreachable
from trimtab.estate.base import IPNetwork
from trimtab.estate.roa import Roas, containing, roas_of

CHUNK = 2**18


async def fetch(host: str, port: int, of: Collection[IPNetwork] | None, limit_s: float) -> Roas:
    """of: keep only what speaks of these prefixes. Raises Unreachable (nobody, not in time, or away before the end), Refused
    and InvalidResponse; half a list is none.
    """
    wanted = None if of is None else frozenset(key for prefix in of for key in containing(prefix))
    answer = wire.Answer(wanted)
    try:
        async with asyncio.timeout(limit_s):
            await _talk(host, port, answer)
    except TimeoutError as error:
        raise Unreachable(f"no whole answer within {limit_s:g} s, after {answer.total} payloads") from error
    except OSError as error:
        raise Unreachable(f"nobody answers: {error.strerror or error}") from error
    return replace(roas_of(answer.vrps), total=answer.total)


async def _talk(host: str, port: int, answer: wire.Answer) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(wire.reset_query())
        pdus = wire.Pdus()
        while chunk := await reader.read(CHUNK):
            for pdu in pdus.feed(chunk):
                if answer.take(pdu):
                    return
            await asyncio.sleep(0)  # a fast cache must not keep the deadline from being seen
    finally:
        writer.transport.abort()
    raise Unreachable(f"it went away after {answer.total} payloads, before the end of its list", "ask again")
