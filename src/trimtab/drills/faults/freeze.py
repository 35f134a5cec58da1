"""An operator freezes the estate, and another one asks for a drain meanwhile: `trimtab freeze`."""

from __future__ import annotations

import time
from typing import Any

from trimtab.drills.drain_outcome import (
    BACK_SECONDS,
    LOOK_SECONDS,
    WELL_SECONDS,
    bring_back,
    end_drains,
    well,
)
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.preconditions import desks, needs_drain
from trimtab.drills.operator import REASON, Ended, run
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import EnvironmentUnable


class Freeze:
    """of: the `estate`. Both operators are at other sites than the one that the second asks for."""

    kind = "freeze"
    targets = ("estate",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        needs_drain(scene, arguments)
        hosts = desks(scene, arguments["site"])
        says = f"an operator freezes the estate, another one asks for a drain of {arguments['site']}"
        return Aim(arguments["site"], (), "", says, names=(hosts[0], hosts[-1], scene.source))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        """told: what the second one was answered. Never forced: that would overrule the freeze."""
        freezes, asks, source = aim.names
        at = time.monotonic()
        ended = run(lab, freezes, source, "freeze", "--reason", REASON)
        if ended.exit:
            raise EnvironmentUnable(f"the estate could not be frozen: {ended.said}")
        ended = run(lab, asks, source, "drain", aim.site, "--json", "--reason", REASON)
        return Struck(at, {"drain": {**answer(asks, ended), "expected": "frozen"}})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        """Thawed once all is well, or agents might drain what has not quite come back. A drain that was granted all the same
        is undone, too.
        """
        freezes, asks, source = aim.names
        end_drains(lab, asks)
        well(lab, freezes, source, WELL_SECONDS)
        thaw(lab, freezes, source)
        bring_back(lab, freezes, source, aim.site)


def thaw(lab: LabLike, node: str, source: str) -> None:
    """Also where nothing is frozen. A store whose members come back may need a moment. Raises EnvironmentUnable."""
    ends = time.monotonic() + BACK_SECONDS
    while True:
        ended = run(lab, node, source, "freeze", "--off")
        if ended.exit == 0:
            return
        if time.monotonic() > ends:
            raise EnvironmentUnable(f"the estate is still frozen: {ended.said}", "`trimtab freeze --off`")
        time.sleep(LOOK_SECONDS)


def answer(host: str, ended: Ended) -> dict[str, Any]:
    """What a request for a drain came to, for the report and its checker."""
    moves = [move.what for move in ended.moves]
    return {"host": host, "exit": ended.exit, "rules": list(ended.rules), "moves": moves, "said": ended.said}
