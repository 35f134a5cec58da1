"""Where `trimtab check` learns how old the files are that say something of peers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from trimtab.checks.peer_data import PeerData, PeerReader
from trimtab.estate.fault import Loc
from trimtab.estate.inventory import Inventory
from trimtab.estate.peer_data import ListFile


def peer_data_beside(estate: Path, now: float) -> PeerReader:
    """now: seconds since 1970."""

    def read(inventory: Inventory) -> tuple[PeerData, ...]:
        found = []
        for loc, name in _named(inventory):
            made = _made(estate.parent / name)
            if made is not None:
                found.append(PeerData(name, loc, now - made))
        return tuple(found)

    return read


def _named(inventory: Inventory) -> Iterator[tuple[Loc, str]]:
    for site, declared in inventory.estate.sites.items():
        for name, upstream in declared.upstreams.items():
            loc: Loc = ("sites", site, "upstreams", name)
            for number, each in enumerate(upstream.only):
                if isinstance(each, ListFile):
                    yield (*loc, "only", number), each.name
            if upstream.peeringdb is not None:
                yield (*loc, "peeringdb", "file"), upstream.peeringdb.file.name


def _made(path: Path) -> float | None:
    """When it was made: as PeeringDB writes into its answers, else when the file was written; None where it has gone meanwhile."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        generated = found.get("meta", {}).get("generated") if isinstance(found, dict) else None
        if isinstance(generated, int | float) and not isinstance(generated, bool):
            return float(generated)
        return path.stat().st_mtime
    except (OSError, ValueError, AttributeError):
        return None
