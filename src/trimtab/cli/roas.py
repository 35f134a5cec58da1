"""Where `trimtab check` learns what ROAs say: the file beside the estate's, and with --rtr the validators themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

from trimtab.checks.roas import RoaReader, RoaSource, public_prefixes
from trimtab.drivers.rtr.client import fetch
from trimtab.errors import TrimtabError
from trimtab.estate.base import IPNetwork
from trimtab.estate.inventory import Inventory
from trimtab.estate.roa import read_roas
from trimtab.estate.rpki import Endpoint

MOST_BYTES = 400 * 2**20  # that of the whole Internet has 90 MB
LIMIT_S = 30.0


def roas_beside(estate: Path, now: float, rtr: bool = False) -> RoaReader:
    """now: seconds since 1970.  rtr: ask the validators too."""

    def read(inventory: Inventory) -> tuple[RoaSource, ...]:
        rpki = inventory.estate.edge.rpki
        if rpki is None:
            return ()
        own = public_prefixes(inventory)
        found = [_file(estate.parent / rpki.roas, rpki.roas, own, now)] if rpki.roas else []
        if rtr and rpki.validators:
            found += asyncio.run(_validators(rpki.validators, own))
        return tuple(found)

    return read


def _file(path: Path, name: str, own: Collection[IPNetwork], now: float) -> RoaSource:
    loc = ("edge", "rpki", "roas")
    hint = f"an export of rpki-client, Routinator or StayRTR at {name}, beside the estate's file"
    try:
        if not path.is_file():  # a device or a pipe would keep us waiting
            return RoaSource(name, loc, None, None, "there is no such file", hint)
        about = path.stat()
        if about.st_size > MOST_BYTES:
            return RoaSource(
                name, loc, None, None, f"{about.st_size} bytes, at most {MOST_BYTES} are read", hint
            )
        roas = read_roas(path.read_text(encoding="utf-8"), own)
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else "no UTF-8 text"
        return RoaSource(name, loc, None, None, f"it cannot be read: {said}", hint)
    except TrimtabError as error:
        return RoaSource(name, loc, None, None, error.message, error.hint)
    return RoaSource(name, loc, roas, now - (roas.made if roas.made is not None else about.st_mtime))


async def _validators(asked: Collection[Endpoint], own: Collection[IPNetwork]) -> list[RoaSource]:
    return list(await asyncio.gather(*(_validator(i, each, own) for i, each in enumerate(asked))))


async def _validator(index: int, endpoint: Endpoint, own: Collection[IPNetwork]) -> RoaSource:
    loc = ("edge", "rpki", "validators", index)
    name = f"the validator {endpoint}"
    try:
        roas = await fetch(str(endpoint.address), endpoint.port, own, LIMIT_S)
    except TrimtabError as error:
        return RoaSource(
            name, loc, None, None, error.message, error.hint or "does it run, and is it reached?"
        )
    return RoaSource(name, loc, roas)
