"""`trimtab check`: is the file an estate, and what will hurt? Every fault and finding at once, with file and line."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from trimtab.checks.engine import check_file
from trimtab.checks.finding import Report, Severity
from trimtab.checks.output import as_json, as_sarif, faults_json, sarif_of_faults
from trimtab.checks.subject import SecretReader
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json
from trimtab.cli.output import print_json, print_line
from trimtab.cli.peer_data import peer_data_beside
from trimtab.cli.roas import roas_beside
from trimtab.errors import BadInput
from trimtab.estate.fault import BadEstate
from trimtab.estate.inventory import Inventory

MAX_SECRET_BYTES = 64 * 1024

Sarif = Annotated[bool, typer.Option("--sarif", help="SARIF 2.1.0 on standard output, for code scanning")]


Rtr = Annotated[
    bool, typer.Option("--rtr", help="ask the estate's RPKI validators too (RTR, RFC 8210), up to 30 s")
]


def check(
    estate: EstateFile = DEFAULT_ESTATE, json: Json = False, sarif: Sarif = False, rtr: Rtr = False
) -> int:
    """Check an estate file: exit 0 without errors, 1 if a rule finds one, 2 if the file is no estate."""
    if json and sarif:
        raise BadInput("--json and --sarif are two formats of one output", "ask for one of them")
    began = time.monotonic()
    try:
        now = time.time()
        roas, peers = roas_beside(estate, now, rtr), peer_data_beside(estate, now)
        inventory, report = check_file(estate, datetime.now(UTC).date(), secrets_beside(estate), roas, peers)
    except BadEstate as error:
        if json:
            print_json(faults_json(error.faults))
        elif sarif:
            print_json(sarif_of_faults(error.faults))
        else:
            raise
        return error.exit_code
    spent = round(time.monotonic() - began, 3)
    if json:
        print_json(as_json(report, inventory, spent))
    elif sarif:
        print_json(as_sarif(report))
    else:
        _print(report, inventory, spent)
    return 0 if report.ok else 1


def _print(report: Report, inventory: Inventory, spent: float) -> None:
    for finding in report.findings:
        print_line(str(finding))
    print_line(summary(report, inventory, spent))


def summary(report: Report, inventory: Inventory, spent: float) -> str:
    """`1 error, 0 warnings in 3 sites, 63 hosts, 3 services (0.4 s)`."""
    found = [
        _count(report.count(Severity.ERROR), "error"),
        _count(report.count(Severity.WARNING), "warning"),
        *([f"{len(report.accepted)} accepted"] if report.accepted else []),
    ]
    size = [
        _count(len(inventory.estate.sites), "site"),
        _count(len(inventory.hosts), "host"),
        _count(len(inventory.estate.services), "service"),
    ]
    return f"{', '.join(found)} in {', '.join(size)} ({spent:.1f} s)"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def secrets_beside(estate: Path) -> SecretReader:
    """Reads `env:` from this process and `file:` from the estate's folder; what is not there is unknown."""

    def read(reference: str) -> str | None:
        kind, _, rest = reference.partition(":")
        if kind == "env":
            return os.environ.get(rest)
        if kind != "file":
            return None
        path = estate.parent / rest
        try:
            if not path.is_file():  # a device or a pipe would keep us waiting
                return None
            with path.open(encoding="utf-8") as stream:
                return stream.read(MAX_SECRET_BYTES).rstrip("\n")
        except (OSError, UnicodeDecodeError):
            return None

    return read
