"""Somebody who takes part in a drain dies in the middle of it: the command, a router's agent, the store's leader.

Nobody takes a drain over: it is done, or it is undone, and the estate says which.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from trimtab.drills.drain_outcome import await_well, bring_back, end_drains, settled, well
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.preconditions import desks, needs_drain, scene_of
from trimtab.drills.faults.targets import AGENT_UNIT
from trimtab.drills.operator import begin_drain
from trimtab.drills.probes.store import leader_of
from trimtab.drills.scene import LabLike, Scene

ESTATE_UNIT = "etcd-estate.service"
DEADLINE_S = 30.0
COMMAND, AGENT, LEADER = "the command", "a router's agent", "the store's leader"


class Case(NamedTuple):
    """who: dies. step: has been told before."""

    who: str
    step: str


class _Killing:
    """Plays its cases one after the other, and brings the site back after each."""

    kind: ClassVar[str]
    cases: ClassVar[tuple[Case, ...]]
    targets = ("site",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        needs_drain(scene, arguments)
        place = scene.site(arguments["site"])
        node = desks(scene, place.name)[0]
        await_well(lab, node, scene.source)
        dead = ", ".join(f"{case.who} after `{case.step}`" for case in self.cases)
        says = f"in the middle of a drain of {place.name} dies: {dead}"
        return Aim(place.name, place.routers, "", says, names=(node, scene.source))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        """at: when the addresses were first to move. told: what each drain came to; one that came to neither, or left the
        estate not whole, is the last.
        """
        at, told = 0.0, list[dict[str, Any]]()
        for case in self.cases:
            begun, found = play(lab, aim, case)
            at = at or begun
            told.append(found)
            if found["came_to"] == "neither":
                break
            bring_back(lab, *aim.names, aim.site)
            node, source = aim.names
            found["whole"] = well(lab, node, source, DEADLINE_S)
            if not found["whole"]:
                break
        return Struck(at, {"cases": told})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        """Who was killed is started again by his supervisor."""
        end_drains(lab, aim.names[0])
        bring_back(lab, *aim.names, aim.site)


class DrainKilled(_Killing):
    """of: the `site` that is drained, four times."""

    kind = "drain-killed"
    cases = (
        Case(COMMAND, "prefer"),
        Case(COMMAND, "withdraw"),
        Case(AGENT, "prefer"),
        Case(AGENT, "withdraw"),
    )


class LeaderKilled(_Killing):
    """of: the `site` that is drained while the estate's store loses its leader."""

    kind = "estate-leader-killed"
    cases = (Case(LEADER, "prefer"),)


def play(lab: LabLike, aim: Aim, case: Case) -> tuple[float, dict[str, Any]]:
    """(when it told its first step, what became of it). seconds: from the kill until the estate said so."""
    node, source = aim.names
    victim, kill = _victim(lab, aim, case)
    with begin_drain(lab, node, source, aim.site) as command:
        command.await_move(case.step, followed=True)
        at = (kill or command.kill)()
        if kill is not None:
            command.end(DEADLINE_S)
        moves = command.moves
    came = settled(lab, node, source, aim.site, at + DEADLINE_S - time.monotonic())
    return moves[0].at, {
        "who": case.who, "victim": victim or f"`trimtab drain {aim.site}` on {node}", "step": case.step,
        "told": [move.what for move in moves], "came_to": came or "neither",
        "seconds": round(time.monotonic() - at, 3),
    }  # fmt: skip


def _victim(lab: LabLike, aim: Aim, case: Case) -> tuple[str, Callable[[], float] | None]:
    """Its name, and what kills it: nothing for the command itself. Found before the drain begins, which waits for nobody."""
    if case.who == COMMAND:
        return "", None
    scene = scene_of(lab)
    if case.who == LEADER:
        assert scene.estate_store is not None
        node, unit = leader_of(lab, scene.estate_store), ESTATE_UNIT
    else:
        node, unit = scene.site(aim.site).routers[0], AGENT_UNIT
    return f"{unit} on {node}", lambda: lab.kill(node, unit, "KILL")
