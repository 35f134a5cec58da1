"""A ledger that does what it is told as often as it is told: a line for each POST, under an id that the client has chosen.

It knows no idempotency key, as most applications do not. Its answer comes a moment later than its line, so that whoever
kills what carries the answer leaves lines behind that nobody has acknowledged.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from trimtab.storefront.server import Request, Response

ROUTE = "/ledger/"
ANSWER_SECONDS = 0.15
VALID_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")


class Ledger:
    """path: the file, a line an execution; made when the first one comes."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    async def execute(self, request: Request) -> Response:
        entry = request.path.removeprefix(ROUTE)
        if request.method != "POST" or not VALID_ID.match(entry):
            return Response(404, b"POST /ledger/ID\n")
        with self._path.open("a") as file:
            file.write(f"{entry}\n")
        await asyncio.sleep(ANSWER_SECONDS)
        return Response(201, b"done\n", {"Cache-Control": "no-store"})
