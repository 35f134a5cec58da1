"""`trimtab lab`: the twin."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Full, Json
from trimtab.cli.output import Progress, print_json, print_line
from trimtab.daemons.load import load_estate
from trimtab.delivery import systems
from trimtab.errors import BadInput
from trimtab.estate.inventory import Inventory
from trimtab.estate.platform import Platform
from trimtab.lab import change
from trimtab.lab.client import Lab, environment, start
from trimtab.lab.plan import plan

app = typer.Typer(
    help="The twin: the estate's own files, running on this machine.",
    no_args_is_help=True,
    add_completion=False,
)
TwinName = Annotated[
    str | None, typer.Option("--name", help="the twin's name; default: the estate's", metavar="NAME")
]
System = Annotated[
    list[str] | None,
    typer.Option(
        "--system",
        help="RELEASE, or HOST=RELEASE (a host, a group, a site): their programs are that Debian's (scripts/system)",
        metavar="[HOST=]RELEASE",
    ),
]
Timeout = Annotated[float, typer.Option("--timeout", min=1, max=3600, help="seconds until giving up")]


def twin_name(name: str | None, estate: Path) -> str:
    """The name asked for, or the estate's."""
    chosen = load_estate(estate).estate if name is None else name
    if re.fullmatch(r"[a-z][a-z0-9-]{0,39}", chosen) is None:
        raise BadInput(f"`{chosen}` is no name for a twin", "a-z, 0-9 and `-`, at most 40 characters")
    return chosen


def start_twin(
    estate: Path,
    name: str | None,
    full: bool,
    timeout: float,
    progress: Progress,
    *,
    stays: bool = True,
    system: Sequence[str] = (),
) -> Any:
    """Start the twin of an estate file and wait until it is ready. system: words of `--system`. Returns the Lab."""
    loaded = load_estate(estate)
    inventory = Inventory(loaded, shrink=not full)
    if system:
        inventory = Inventory(loaded, shrink=not full, platforms=platforms(inventory, system))
    chosen = twin_name(name, estate)
    if not timeout <= 3600:
        raise BadInput(f"--timeout {timeout} is no number of seconds", "1 to 3600")
    for release in sorted({systems.wanted(host.platform) for host in inventory.hosts} - {""}):
        systems.find(release, ())
    progress(f"{chosen}: starting {len(inventory.hosts)} hosts")

    def waiting(left: list[str]) -> None:
        if left:
            progress(f"{chosen}: waiting for {len(left)}: {left[0]}")

    return start(
        plan(inventory, chosen, str(estate.resolve())), timeout=timeout, on_wait=waiting, stays=stays
    )


def _releases(word: str) -> str:
    """The way out. word: in the place of a release."""
    known = f"known are {', '.join(systems.RELEASES)}"
    own = next((release for release, platform in systems.RELEASES.items() if platform == word), "")
    return f"{word} is called {own} here" if own else known


def platforms(inventory: Inventory, words: Sequence[str]) -> dict[str, Platform]:
    """Host → platform, as the words of `--system` say; a later word overrules an earlier one. Raises BadInput."""
    found: dict[str, Platform] = {}
    for word in words:
        who, names_somebody, release = word.rpartition("=")
        if release not in systems.RELEASES or (names_somebody and not who):
            raise BadInput(f"--system {word!a}: [HOST=]RELEASE is expected", _releases(release))
        hosts = [h.name for h in inventory.hosts if who in ("", h.name, h.group, h.site)]
        if not hosts:
            raise BadInput(
                f"--system {word!a}: the twin has no host, group or site {who!a}",
                "`trimtab show` lists them; `twin: {at_most: …}` leaves some out unless there is --full",
            )
        found |= dict.fromkeys(hosts, systems.RELEASES[release])
    return found


@app.command()
def up(
    estate: EstateFile = DEFAULT_ESTATE,
    name: TwinName = None,
    full: Full = False,
    system: System = None,
    timeout: Timeout = 60.0,
    json: Json = False,
) -> int:
    """Start the twin; returns when every session, address and check is up, and leaves it running."""
    progress = Progress()
    try:
        twin = start_twin(estate, name, full, timeout, progress, system=system or ())
    finally:
        progress.done()
    status = twin.status()
    if json:
        print_json(status)
    else:
        hosts = [h for h in status["hosts"] if h["kind"] == "host"]
        around = len(status["hosts"]) - len(hosts)
        print_line(
            f"{status['name']}: {len(hosts)} hosts and {around} networks around them, ready in {status['ready_s']:.1f} s "
            f"(owner {status['pid']}); take it down with `trimtab lab down --name {status['name']}`"
        )
    return 0


@app.command()
def down(estate: EstateFile = DEFAULT_ESTATE, name: TwinName = None) -> int:
    """Take the twin down; nothing of it remains, the records of its drills neither."""
    chosen = twin_name(name, estate)
    lab = Lab.connect(chosen)
    records = sorted(each.name for each in lab.scratch.glob("drill-*"))
    lab.down()
    gone = (
        f"; the records of {len(records)} drill{'s' * (len(records) > 1)} are gone with it" if records else ""
    )
    print_line(f"{chosen}: down{gone}")
    return 0


@app.command()
def status(estate: EstateFile = DEFAULT_ESTATE, name: TwinName = None, json: Json = False) -> int:
    """What runs in the twin; exit 1 if it is not ready."""
    found = Lab.connect(twin_name(name, estate)).status()
    if json:
        print_json(found)
        return 0 if found["ready"] else 1
    for host in found["hosts"]:
        units = "  ".join(
            f"{u['unit'].removesuffix('.service')} {u['state']}"
            + (f" ({u['restarts']} restarts)" if u["restarts"] else "")
            for u in host["units"]
        )
        power = "" if host["powered"] else "no power  "
        print_line(f"{host['name']:<24} {', '.join(host['addresses'][:2]):<36} {power}{units}")
    ready = (
        f"ready in {found['ready_s']:.1f} s"
        if found["ready"]
        else f"waiting for: {'; '.join(found['waiting'])}"
    )
    print_line(f"{found['name']}: {ready}")
    return 0 if found["ready"] else 1


@app.command()
def deliver(
    hosts: Annotated[
        list[str], typer.Argument(help="hosts of the twin, one after the other", metavar="HOST…")
    ],
    estate: EstateFile = DEFAULT_ESTATE,
    name: TwinName = None,
    json: Json = False,
) -> int:
    """Give running hosts their files anew, as the estate's file says now; exit 1 where a daemon refuses, and nothing has changed."""
    lab = Lab.connect(twin_name(name, estate))
    systems_of = {row["name"]: row["system"] for row in lab.status()["hosts"] if row["kind"] == "host"}
    inventory = change.some_of(load_estate(estate), systems_of)
    files = {host: change.files(inventory, host) for host in hosts}
    told = {}
    for host in hosts:
        told[host] = lab.deliver(host, files[host])
        if not json:
            print_line(f"{host}: {_delivered(told[host])}")
    if json:
        print_json(told)
    return 0


def _delivered(told: Any) -> str:
    if not told["files"]:
        return "no change"
    took = f", taken up by {', '.join(told['took'])}" if told["took"] else ""
    later = f"; from the next start of {', '.join(told['later'])} on" if told["later"] else ""
    return f"{len(told['files'])} files{took}{later}"


@app.command("exec", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def execute(
    context: typer.Context,
    host: Annotated[str, typer.Argument(help="host of the twin", metavar="HOST")],
    estate: EstateFile = DEFAULT_ESTATE,
    name: TwinName = None,
) -> int:
    """Run a command on a host of the twin: `trimtab lab exec hk-router-1 -- birdc show protocols`."""
    argv = [word for i, word in enumerate(context.args) if not (i == 0 and word == "--")] or ["sh"]
    command = Lab.connect(twin_name(name, estate)).exec_argv(host, argv)
    sys.stdout.flush()
    # the command takes our place: terminal, signals and exit code are its own
    os.execvpe(command[0], command, environment())
