"""`trimtab check`: is the file an estate? Every fault at once, with file and line."""

from __future__ import annotations

import time
from typing import Any

from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json
from trimtab.cli.output import print_json, print_line
from trimtab.estate.fault import BadEstate, Fault
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate


def check(estate: EstateFile = DEFAULT_ESTATE, json: Json = False) -> int:
    """Check an estate file: exit 0 if it is good, 2 with every fault's file and line if not."""
    began = time.monotonic()
    try:
        inventory = Inventory(load_estate(estate))
    except BadEstate as error:
        if json:
            print_json({"ok": False, "faults": [_fault(f) for f in error.faults]})
            return error.exit_code
        raise
    spent = time.monotonic() - began
    counts = {
        "sites": len(inventory.estate.sites),
        "hosts": len(inventory.hosts),
        "services": len(inventory.estate.services),
    }
    if json:
        print_json({"ok": True, "faults": [], **counts, "seconds": round(spent, 3)})
    else:
        words = ", ".join(f"{n} {what if n != 1 else what[:-1]}" for what, n in counts.items())
        print_line(f"{estate}: no faults in {words} ({spent:.1f} s)")
    return 0


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "file": fault.file,
        "line": fault.line,
        "column": fault.column,
        "key": fault.key,
        "message": fault.message,
        "hint": fault.hint,
    }
