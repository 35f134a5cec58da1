"""The estate's own store is gone with every host that has a member of it, and an operator asks for a drain all the same."""

from __future__ import annotations

from trimtab.drills.drain_outcome import end_drains
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.freeze import answer
from trimtab.drills.faults.preconditions import living, needs_store
from trimtab.drills.operator import REASON, run
from trimtab.drills.scene import LabLike, Scene


class EstateLoss:
    """of: `estate-members`, the hosts with a member of the estate's store, by a power cut. The drain is asked for on a
    host that stays.
    """

    kind = "estate-loss"
    targets = ("estate-members",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        needs_store(scene, arguments)
        assert scene.estate_store is not None
        nodes = scene.estate_store.hosts
        says = f"every host with a member of the estate's store ({', '.join(nodes)}) loses power"
        return Aim(arguments["site"], nodes, "", says, names=(living(scene), scene.source))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        node, source = aim.names
        at = lab.power_cut(aim.nodes)
        ended = run(lab, node, source, "drain", aim.site, "--json", "--reason", REASON)
        return Struck(at, {"drain": answer(node, ended)})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        end_drains(lab, aim.names[0])
        lab.power_on(aim.nodes)
