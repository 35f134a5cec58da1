"""Agents of the release before, and their upgrade: one host after the other at each site, under load.

The older agent is a wheel in an environment of its own (`scripts/release`). On a host it stands in the place of ours: its
program is mounted over our `trimtab-agent`, for the agent's unit and for whoever calls it there. The host's files stay as
this release writes them: a delivery of files comes before or after that of a package, never with it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trimtab.delivery.releases import RELEASE, program
from trimtab.drills.drain_outcome import end_drains
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.drain_inside import pool_member_of
from trimtab.drills.faults.older_release import needs_release
from trimtab.drills.faults.preconditions import scene_of
from trimtab.drills.faults.targets import AGENT_UNIT
from trimtab.drills.node_exec import ask
from trimtab.drills.operator import REASON, Ended, begin_drain, run
from trimtab.drills.probes.vip import find_vip_holder
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import BadInput, EnvironmentUnable

OURS = Path(sys.executable).parent / "trimtab-agent"
DRAIN_SECONDS = 20.0
ON = 'cmp -s "$1" "$2" || mount --bind "$1" "$2"'
OFF = 'while cmp -s "$1" "$2"; do umount -l "$2" || exit; done'
WHICH = 'cmp -s "$1" "$2" && echo older || echo ours'


class OlderAgents:
    """of: `every-agent`, of every site; before the fault, as a condition of it."""

    kind = "older-agents"
    targets = ("every-agent",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        needs_release(scene, arguments)
        nodes = agents(scene)
        seen = {row["name"]: row["system"] for row in lab.status()["hosts"]}
        if moved := [node for node in nodes if seen[node]]:
            raise BadInput(
                f"{', '.join(moved[:3])} was booted from another system", "start the twin without --system"
            )
        says = f"the agents of all {len(nodes)} hosts are those of {RELEASE}"
        return Aim(scene.site(arguments["site"]).name, nodes, AGENT_UNIT, says, names=(str(program()),))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        at = time.monotonic()
        roll(lab, aim.nodes, ON, aim.names[0])
        return Struck(at)

    def restore(self, lab: LabLike, aim: Aim) -> None:
        """The upgrade of those that are left: whoever has ours already is not touched."""
        left = [node for node in aim.nodes if is_older(lab, node, aim.names[0])]
        roll(lab, left, OFF, aim.names[0])


class UpgradeAgents:
    """of: `every-other-agent`. While agents of both releases run, operators work on hosts of both."""

    kind = "upgrade-agents"
    targets = ("every-other-agent",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        needs_release(scene, arguments)
        place, nodes = scene.site(arguments["site"]), agents(scene)[::2]
        desk, holder = place.registries[0], find_vip_holder(lab, place)
        older = [host for host in place.backends if host not in nodes]
        newer = [host for host in place.backends if host in nodes]
        if not (older and newer):
            raise BadInput(
                f"backends of {place.name} would all be of one release", "name another site with --site"
            )
        spare = next(host for host in place.proxies if host != holder)
        pool_member = pool_member_of(lab, desk, scene.source, place.name, newer[0])
        says = f"every other agent ({len(nodes)} hosts) is upgraded from {RELEASE}, and operators work on hosts of both"
        names = (str(program()), desk, scene.source, pool_member, spare, older[0], newer[0])
        return Aim(place.name, nodes, AGENT_UNIT, says, names=names)

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        """told: what operators did meanwhile, and how it ended."""
        at = time.monotonic()
        roll(lab, aim.nodes, OFF, aim.names[0])
        return Struck(at, {"work": work(lab, aim)})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        _, desk, source, pool_member, spare, older, newer = aim.names
        end_drains(lab, desk)
        for target in (pool_member, spare):
            run(lab, desk, source, "undrain", target, "--reason", REASON, "--over", "0")
        for host in (older, newer):
            ask(lab, host, ["trimtab-agent", "ready", "--reason", REASON])


def agents(scene: Scene) -> tuple[str, ...]:
    """Every host with an agent, site by site."""
    return tuple(host for site in scene.sites.values() for host in site.units.get(AGENT_UNIT, ()))


def roll(lab: LabLike, nodes: Sequence[str], change: str, older: str) -> None:
    """The program of each agent is changed and the agent started anew, one after the other at each site."""
    sites = [[host for host in site.hosts if host in nodes] for site in scene_of(lab).sites.values()]

    def site(hosts: Sequence[str]) -> None:
        for host in hosts:
            ask(lab, host, ["sh", "-c", change, "sh", older, str(OURS)])
            lab.unit(host, AGENT_UNIT, "restart")

    with ThreadPoolExecutor(len(sites)) as pool:
        list(pool.map(site, sites))


def is_older(lab: LabLike, node: str, older: str) -> bool:
    return ask(lab, node, ["sh", "-c", WHICH, "sh", older, str(OURS)]).strip() == "older"


def work(lab: LabLike, aim: Aim) -> Mapping[str, str]:
    """What operators do on hosts of both releases, each with `done` or what went wrong."""
    _, desk, source, pool_member, spare, older, newer = aim.names
    found = {}
    for target in (pool_member, spare):
        found[f"drain {target}"] = _drained(lab, desk, source, target)
        back = run(lab, desk, source, "undrain", target, "--reason", REASON, "--over", "0", "--json")
        found[f"undrain {target}"] = came_to(back)
    for host in (older, newer):
        for verb in ("drain", "ready"):
            found[f"{verb} on {host}"] = _told(lab, host, verb)
    return found


def _drained(lab: LabLike, desk: str, source: str, target: str) -> str:
    with begin_drain(lab, desk, source, target) as command:
        return came_to(command.end())


def came_to(ended: Ended) -> str:
    """`done`, or what a drain or its way back said in the end."""
    return "done" if ended.drained is not None else ended.said


def _told(lab: LabLike, host: str, verb: str) -> str:
    try:
        ask(lab, host, ["trimtab-agent", verb, "--reason", REASON], seconds=DRAIN_SECONDS)
    except EnvironmentUnable as error:
        return error.message
    return "done"
