"""What is rendered of it: a file, a unit, how the agent asks, when the twin is ready."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from pydantic import Field

from trimtab.agent_config import Probe, Unit
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.probe import ReadyCheck
from trimtab.daemons.rendering import Rendered, with_role
from trimtab.daemons.template import fill
from trimtab.daemons.unit import SERVES, unit
from trimtab.estate.base import Noun
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.quantity import Int
from trimtab.estate.roles import Role

UNIT, WORDS = "greeter.service", "/etc/greeter/words"


class Tier(Noun):
    """`tiers.greeter`."""

    port: Int = Field(default=7007, ge=1024, le=65535)
    words: str = "hello"


def _tier(inventory: Inventory) -> Tier:
    return cast(Tier, vars(inventory.estate.tiers)["greeter"])


def _files(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    text = fill("greeter/words.j2", words=_tier(inventory).words)
    return (Artifact(WORDS, text, validator="greeter", take_up="restart", unit=UNIT),)


def _units(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    listen = f"TCP-LISTEN:{_tier(inventory).port},fork,reuseaddr"
    lines = ["Type=exec", SERVES, f"ExecStart=/usr/bin/socat {listen} OPEN:{WORDS},rdonly"]
    return (unit(UNIT, "network-online.target", lines, "It greets"),)


def _watched(inventory: Inventory, host: Host) -> tuple[Unit, ...]:
    ask = f"/usr/bin/socat -t1 -u TCP:127.0.0.1:{_tier(inventory).port} -"
    return (Unit(UNIT, Probe("command", ask, _tier(inventory).words)),)


def _ready(inventory: Inventory) -> Iterator[ReadyCheck]:
    for host in inventory.with_role("greeter"):
        args = (str(_tier(inventory).port), _tier(inventory).words)
        yield ReadyCheck("greeting", f"{host.name}: greets", (host.name,), args)


RENDERED = Rendered(
    "greeter",
    with_role("greeter"),
    _files,
    _units,
    watched=_watched,
    ports=lambda inventory, _: (_tier(inventory).port,),
    ready=_ready,
    roles={"greeter": Role(14)},
    tiers={"greeter": Tier},
)
