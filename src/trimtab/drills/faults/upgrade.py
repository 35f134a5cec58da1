"""Another release under a site's proxies, and back: in place, or drained and started anew from another system."""

from __future__ import annotations

import time
from typing import Any

from trimtab.daemons.keepalived.config import FRONT_STATE
from trimtab.drills.drain_outcome import end_drains
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.other_system import needs_drain_and_system, needs_in_place, other_release
from trimtab.drills.faults.reload import reload
from trimtab.drills.faults.targets import AGENT_UNIT, HOSTS
from trimtab.drills.node_exec import ask_if_there
from trimtab.drills.operator import REASON, begin_drain, run
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import BadInput, EnvironmentUnable

BACK_SECONDS = 60.0
READY = ("cat", f"{FRONT_STATE}/ready")


def hosts(lab: LabLike) -> dict[str, Any]:
    """The rows of the twin's status, by host."""
    return {row["name"]: row for row in lab.status()["hosts"]}


class Upgrade:
    """of: `proxies`, one after the other, the holder of the VIPs last. The programs are replaced below what runs, as a
    package manager does it; then the proxy is reloaded, and starts itself anew from its path.
    """

    kind = "upgrade"
    targets = ("proxies",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        needs_in_place(scene, arguments)
        place, release, seen = scene.site(arguments["site"]), other_release(), hosts(lab)
        nodes = _holder_last(lab, scene, arguments)
        if moved := [node for node in nodes if seen[node]["system"]]:
            raise BadInput(
                f"{', '.join(moved)} was booted from another system",
                "start the twin without --system for its proxies",
            )
        says = f"{place.front_unit} on {', '.join(nodes)} goes on as {release}'s, in place"
        return Aim(place.name, nodes, place.front_unit, says, names=(release,))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        at = time.monotonic()
        return Struck(at, {node: self._replace(lab, node, aim.unit, aim.names[0]) for node in aim.nodes})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        """Also where the programs are back already: who was killed then had not reloaded yet."""
        for node in aim.nodes:
            self._replace(lab, node, aim.unit, "")

    def _replace(self, lab: LabLike, node: str, unit: str, release: str) -> dict[str, Any]:
        lab.programs(node, release)
        taken = dict(reload(lab, node, unit))
        lab.unit(node, AGENT_UNIT, "restart")
        return taken


class UpgradeDrained:
    """of: `proxies`, one after the other, the holder of the VIPs last: drained through the arbiter, started from the other
    system, brought back when it is ready.
    """

    kind = "upgrade-drained"
    targets = ("proxies",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        needs_drain_and_system(scene, arguments)
        place, seen = scene.site(arguments["site"]), hosts(lab)
        nodes = _holder_last(lab, scene, arguments)
        before = {seen[node]["system"] for node in nodes}
        if len(before) > 1:
            raise BadInput(
                f"the proxies of {place.name} are of several systems", "start the twin with the same for all"
            )
        (first,) = before
        release = "" if first else other_release()
        names = release or "this machine"
        says = f"{', '.join(nodes)}: drained and started from {names}'s system, one after the other"
        return Aim(
            place.name,
            nodes,
            place.front_unit,
            says,
            names=(place.registries[0], scene.source, release, first),
        )

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        at = time.monotonic()
        return Struck(at, {node: self._move(lab, aim, node, aim.names[2]) for node in aim.nodes})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        """Whoever is not where it was goes back; a drill that was killed may have left one without power, or drained."""
        registry, source, _, first = aim.names
        end_drains(lab, registry)
        for node in aim.nodes:
            row = hosts(lab)[node]
            if not row["powered"]:
                lab.power_on([node], first)
                _await_ready(lab, node)
            elif row["system"] != first:
                self._move(lab, aim, node, first)
            run(lab, registry, source, "undrain", node, "--reason", REASON)

    def _move(self, lab: LabLike, aim: Aim, node: str, release: str) -> dict[str, float]:
        """Seconds that each part took. Raises EnvironmentUnable where it is not drained, or does not come back."""
        registry, source, began = aim.names[0], aim.names[1], time.monotonic()
        with begin_drain(lab, registry, source, node) as command:
            ended = command.end()
        if ended.drained is None:
            raise EnvironmentUnable(f"{node} was not drained: {ended.said}", "`trimtab why` says more")
        drained = time.monotonic()
        lab.power_cut([node])
        lab.power_on([node], release)
        _await_ready(lab, node)
        ready = time.monotonic()
        back = run(lab, registry, source, "undrain", node, "--reason", REASON)
        if back.exit != 0:
            raise EnvironmentUnable(f"{node} was not brought back: {back.said}", "`trimtab why` says more")
        return {
            "drain_s": round(drained - began, 2),
            "away_s": round(ready - drained, 2),
            "whole_s": round(time.monotonic() - began, 2),
        }


def _holder_last(lab: LabLike, scene: Scene, arguments: Arguments) -> tuple[str, ...]:
    holder, _ = HOSTS["vip-holder"](lab, scene, arguments)
    proxies = scene.site(arguments["site"]).proxies
    return (*(proxy for proxy in proxies if proxy not in holder), *holder)


def _await_ready(lab: LabLike, node: str) -> None:
    """Until the proxy could take the addresses: front-watch has found it ready."""
    ends = time.monotonic() + BACK_SECONDS
    while time.monotonic() < ends:
        if (ask_if_there(lab, node, READY) or "").strip() == "0":
            return
        time.sleep(0.2)
    raise EnvironmentUnable(
        f"{node} was not ready again in {BACK_SECONDS:.0f} s", "see its logs: trimtab lab status"
    )
