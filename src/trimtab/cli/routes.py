"""`trimtab routes`: what routers tell, take and refuse; on a router of itself, with --twin of all of them and of the networks
around them.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from trimtab.answers.routes import Heard, Router, Routes
from trimtab.cli.glass import Around, asked_for, glass
from trimtab.cli.lab import TwinName, twin_name
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json, named
from trimtab.cli.output import log, show, write_picture
from trimtab.cli.routes_seen import Ask, Say, heard, heard_in_frr, router
from trimtab.cli.session import TWIN, TwinOption
from trimtab.cli.views import glass as glass_view
from trimtab.cli.views import routes as views
from trimtab.daemons.bird.client import Bird
from trimtab.daemons.bird.speak import speak, spoken
from trimtab.daemons.bird.wire import Reply
from trimtab.daemons.catchment import announced
from trimtab.daemons.frr.wire import NAME as FRR
from trimtab.daemons.load import load_estate
from trimtab.drills.report.catchment import catchment
from trimtab.drills.report.catchment_picture import svg
from trimtab.errors import BadInput, TrimtabError, Unreachable
from trimtab.estate.inventory import Host, Inventory
from trimtab.lab.client import Lab

LIMIT_S = 20.0
What = Annotated[
    str, typer.Argument(help="a prefix or an address: what is known of it", metavar="[PREFIX|ADDRESS]")
]
From = Annotated[
    str, typer.Option("--from", help="with a prefix or address: ask this one alone", metavar="VANTAGE")
]
Picture = Annotated[
    Path | None,
    typer.Option("--picture", help="who is caught where, written there as SVG", metavar="FILE", parser=named),
]


def routes(
    what: What = "",
    estate: EstateFile = DEFAULT_ESTATE,
    twin: TwinOption = False,
    name: TwinName = None,
    vantage: From = "",
    picture: Picture = None,
    json: Json = False,
) -> int:
    """What routers tell other networks, what they refuse and why, and what is heard of us; of a PREFIX or ADDRESS all that is known.
    Runs as root on a router, and tells of that one; with --twin of every router and of the networks around them.
    """
    if what and picture is not None:
        raise BadInput("a picture is of all prefixes", "leave the prefix out, or --picture")
    if vantage and not what:
        raise BadInput(
            "--from says who is asked of a prefix or address",
            "name one: `trimtab routes 203.0.113.7 --from …`",
        )
    asked = asked_for(what) if what else ""
    around = _around(estate, twin, name)
    if asked:
        show(glass(around, asked, vantage), json, glass_view.lines)
        return 0
    answer = collect(around.inventory, around.routers(), around.others, around.birds, around.says)
    if picture is not None:
        write_picture(
            picture,
            svg(catchment({"now": answer.heard}), f"{around.inventory.estate.estate}: who is caught where"),
        )
        log(f"wrote {picture}")
    show(answer, json, views.lines)
    return 0


def _around(estate: Path, twin: bool, name: str | None) -> Around:
    if name is not None and not twin:
        raise BadInput("--name names a twin", "it goes with --twin")
    inventory = Inventory(load_estate(estate), shrink=twin or TWIN in os.environ)
    if not twin:
        return Around(inventory, socket.gethostname(), {}, _here, None)
    lab = Lab.connect(twin_name(name, estate))
    return Around(
        inventory,
        "",
        lab.status()["facts"].get("vantages", {}),
        lambda node, asked: spoken(node, asked, _run(lab, node, speak(asked))),
        lambda node, argv: _run(lab, node, argv).decode(errors="replace"),
    )


def _here(_: str, asked: Sequence[str]) -> list[Reply]:
    return asyncio.run(Bird(limit_s=LIMIT_S).ask(asked))


def _run(lab: Lab, node: str, argv: Sequence[str]) -> bytes:
    """Raises Unreachable."""
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
    ours = announced(inventory)
    found: list[Router] = []
    told: list[Heard] = []
    silent: list[str] = []
    others = ((each, None) for each in sorted(around))
    for name, host in (*((each.name, each) for each in routers), *others):
        try:
            if host is not None:
                found.append(router(inventory, host, ask))
            if say is not None and around.get(name) == FRR:
                told += heard_in_frr(ours, name, say)
            else:
                told += heard(ours, name, host.site if host is not None else "", ask)
        except TrimtabError as error:
            silent.append(f"{name}: {error.message}")
    told.sort(key=lambda each: (each.prefix, each.vantage))
    return Routes(tuple(found), tuple(told), tuple(silent))
