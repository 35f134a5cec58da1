"""What a command of a running estate begins with: on a host of it, or in its twin; the estate, who asks and why."""

from __future__ import annotations

import getpass
import os
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.lab import twin_name
from trimtab.daemons.load import load_estate
from trimtab.errors import BadInput
from trimtab.estate.inventory import Inventory
from trimtab.lab.client import Lab
from trimtab.ops.arbiter.fields import Body
from trimtab.ops.overrides.member import Who
from trimtab.registry.fields import BadRecord

TWIN = "TRIMTAB_TWIN"  # set where this runs in a twin, which has fewer hosts
Force = Annotated[
    bool, typer.Option("--force", help="override soft limits, or an unreachable arbiter; needs --reason")
]
TwinOption = Annotated[bool, typer.Option("--twin", help="in the running twin of this estate")]


@dataclass(frozen=True, slots=True)
class Session:
    """who: runs this command here, with his reason."""

    inventory: Inventory
    who: Who


def begin(
    estate: Path, twin: bool, name: str | None = None, reason: str = "", force: bool = False
) -> Session:
    """estate: its file. name: of the twin, otherwise the estate's. reason: as `reason_of` has left it. Raises BadInput, and as
    the loader and the twin.
    """
    _forced(force, reason)
    _inside_twin(estate, twin, name)
    return Session(_loaded(estate), _who(reason))


def reason_of(text: str) -> str:
    """Without the blanks around it, so that a blank one is none. Raises BadInput for one that no record takes."""
    try:
        return Body({"reason": text.strip()}).words("reason")
    except BadRecord as error:
        raise BadInput(f"--{error}", "nothing was asked, and nothing was written") from error


def reason_option(becomes: str) -> Any:
    """becomes: what becomes of it, for --help. It is read by `reason_of` before the command begins."""
    return typer.Option("--reason", callback=reason_of, help=f"why: {becomes}")


Reason = Annotated[str, reason_option("it is kept with the change")]


def _inside_twin(estate: Path, twin: bool, name: str | None = None) -> None:
    """With --twin this command is run again, as it was typed, on a host of the twin that may talk to the registries.
    name: of the twin, otherwise the estate's. Raises BadInput for a name without --twin.
    """
    if name is not None and not twin:
        raise BadInput("--name names a twin", "it goes with --twin; a real estate is named by its file")
    if not twin or TWIN in os.environ:
        return
    found = load_estate(estate)
    hosts = Inventory(found, shrink=True).on_duty("registry")
    if not hosts:
        raise BadInput(f"{found.estate} has no registry", "give a site hosts with the role `registry`")
    path = str(estate.resolve())
    words = [path if word == str(estate) else word for word in sys.argv[1:]]
    words += [] if path in words else ["-e", path]
    argv = ["env", f"{TWIN}=1", sys.executable, "-m", "trimtab", *words]
    command = Lab.connect(twin_name(name, estate)).exec_argv(hosts[0].name, argv)
    sys.stdout.flush()
    os.execvp(command[0], command)


def _loaded(estate: Path) -> Inventory:
    return Inventory(load_estate(estate), shrink=TWIN in os.environ)


def _who(reason: str) -> Who:
    """reason: as `reason_of` has left it."""
    user = os.environ.get("SUDO_USER") or getpass.getuser()
    return Who(f"{user}@{socket.gethostname()}", reason, round(time.time(), 3))


def _forced(force: bool, reason: str) -> None:
    """Raises BadInput for --force without a reason."""
    if force and not reason:
        raise BadInput("--force needs a reason", "--reason WHY: it is kept with the change")
