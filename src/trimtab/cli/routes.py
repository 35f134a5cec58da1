"""`trimtab routes`: what routers tell, take and refuse; on a router of itself, with --twin of all of them and of the networks
around them.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from trimtab.answers.routes import Heard, Router, Routes
from trimtab.cli.lab import TwinName, twin_name
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json
from trimtab.cli.output import show
from trimtab.cli.routes_seen import heard, heard_by_frr, router
from trimtab.cli.session import TWIN, TwinOption
from trimtab.cli.views import routes as views
from trimtab.daemons.bird import wire
from trimtab.daemons.bird.client import Bird
from trimtab.daemons.bird.wire import Reply
from trimtab.daemons.frr.wire import NAME as FRR
from trimtab.daemons.load import load_estate
from trimtab.errors import BadInput, TrimtabError, Unreachable
from trimtab.estate.inventory import Host, Inventory
from trimtab.lab.client import Lab

# (node, commands) → a reply each. Raises TrimtabError.
Ask = Callable[[str, Sequence[str]], "list[Reply]"]
Say = Callable[[str, Sequence[str]], str]
# On a node: BIRD wants to have given its reply before it hears the next command.
SPEAK = """\
import re, socket, sys
with socket.socket(socket.AF_UNIX) as bird:
    bird.settimeout(10)
    bird.connect("/run/bird/bird.ctl")
    lines = bird.makefile("rb")
    for command in ["", *sys.argv[1:]]:
        if command:
            bird.sendall(command.encode() + b"\\n")
        for line in lines:
            sys.stdout.buffer.write(line)
            if re.match(rb"\\d{4} ", line):
                break
"""
LIMIT_S = 20.0


def routes(
    estate: EstateFile = DEFAULT_ESTATE, twin: TwinOption = False, name: TwinName = None, json: Json = False
) -> int:
    """What routers tell other networks, what they refuse and why, and what is heard of us. Runs as root on a router, and tells of
    that one; with --twin of every router and of the networks around them.
    """
    show(_routes(estate, twin, name), json, views.lines)
    return 0


def _routes(estate: Path, twin: bool, name: str | None) -> Routes:
    if name is not None and not twin:
        raise BadInput("--name names a twin", "it goes with --twin")
    found = load_estate(estate)
    inventory = Inventory(found, shrink=twin or TWIN in os.environ)
    routers = [host for site in inventory.site_names() for host in inventory.routers(site)]
    if not twin:
        own = [host for host in routers if host.name == socket.gethostname()]
        if not own:
            raise BadInput(
                f"{socket.gethostname()} is no router of {found.estate}",
                "run this on a router, which is asked itself; or with --twin",
            )
        return collect(inventory, own, {}, _here)
    lab = Lab.connect(twin_name(name, estate))
    facts = lab.status()["facts"]["sites"]
    around = {up["transit"]: up["speaker"] for site in facts.values() for up in site["upstreams"].values()}
    return collect(
        inventory,
        routers,
        around,
        lambda node, asked: _there(lab, node, asked),
        lambda node, argv: _said(lab, node, argv),
    )


def _here(_: str, asked: Sequence[str]) -> list[Reply]:
    return asyncio.run(Bird(limit_s=LIMIT_S).ask(asked))


def _there(lab: Lab, node: str, asked: Sequence[str]) -> list[Reply]:
    """Raises Unreachable."""
    argv = ["python3", "-c", SPEAK, *(wire.encode(each).decode().strip() for each in asked)]
    replies = wire.Replies().feed(_run(lab, node, argv))[1:]
    if len(replies) < len(asked):
        raise Unreachable(f"{node}: nobody answers at BIRD's socket")
    return replies[: len(asked)]


def _said(lab: Lab, node: str, argv: Sequence[str]) -> str:
    """Raises Unreachable."""
    return _run(lab, node, argv).decode(errors="replace")


def _run(lab: Lab, node: str, argv: Sequence[str]) -> bytes:
    process = lab.popen(node, argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with process:
        try:
            return bytes(process.communicate(timeout=LIMIT_S)[0])
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise Unreachable(f"{node}: no answer within {LIMIT_S:g} s") from error


def collect(
    inventory: Inventory, routers: Sequence[Host], around: Mapping[str, str], ask: Ask, say: Say | None = None
) -> Routes:
    """around: other networks' nodes, each with the program that it speaks BGP with. Whoever gives no answer is named."""
    found: list[Router] = []
    told: list[Heard] = []
    silent: list[str] = []
    others = ((each, None) for each in sorted(around))
    for name, host in (*((each.name, each) for each in routers), *others):
        try:
            if host is not None:
                found.append(router(inventory, host, ask))
            if say is not None and around.get(name) == FRR:
                told += heard_by_frr(inventory, name, say)
            else:
                told += heard(inventory, name, host is not None, ask)
        except TrimtabError as error:
            silent.append(f"{name}: {error.message}")
    told.sort(key=lambda each: (each.prefix, each.vantage))
    return Routes(tuple(found), tuple(told), tuple(silent))
