"""Every registry is gone, and meanwhile a member changes what it registers: that has to arrive when they are back."""

from __future__ import annotations

import json
import random

from trimtab.agent_config import REGISTER
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.targets import HOSTS
from trimtab.drills.node_exec import ask
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import BadInput


class RegistryLoss:
    """of: `registries`, all members of all sites, by a power cut. One backend then registers with another weight."""

    kind = "registry-loss"
    targets = ("registries",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        nodes, who = HOSTS[of](lab, scene, arguments)
        place = scene.site(arguments["site"])
        member = place.backends[0] if place.backends else ""
        if not member or not registered(lab, member):
            raise BadInput(f"{place.name} registers nothing", "the drill needs a pool with `discover`")
        return Aim(place.name, nodes, "", f"{who} loses power", names=(member,))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        at = lab.power_cut(aim.nodes)
        told = {pool: reweigh(lab, aim.names[0], file) for pool, file in registered(lab, aim.names[0])}
        return Struck(at, {"member": aim.names[0], "weights": told})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        lab.power_on(aim.nodes)


def registered(lab: LabLike, node: str) -> list[tuple[str, str]]:
    """(pool, file) of what a host registers."""
    files = ask(lab, node, ["sh", "-c", f"ls {REGISTER}/*.json 2>/dev/null || :"]).split()
    return [(json.loads(ask(lab, node, ["cat", file]))["pool"], file) for file in files]


def reweigh(lab: LabLike, node: str, file: str) -> int:
    """Write another weight into the file, by rename; returns it. Never 100: its neighbours have that, and a proxy that
    caught up could not be told from one that did not."""
    content = json.loads(ask(lab, node, ["cat", file]))
    weight = random.choice([w for w in range(80, 121) if w not in (100, content.get("weight"))])
    rewrite(lab, node, file, {**content, "weight": weight})
    return weight


def rewrite(lab: LabLike, node: str, file: str, content: object) -> None:
    ask(lab, node, ["sh", "-c", 'cat > "$1.new" && mv "$1.new" "$1"', "sh", file], json.dumps(content) + "\n")
