"""A new generation of the proxy under load: one that comes up, and one that cannot."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from trimtab.daemons.table import table
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.targets import HOSTS
from trimtab.drills.node_exec import ask
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import TwinFailed

PORT = 9799
SPOIL = """
set -eu
test -e "$1.drill" || cp -p "$1" "$1.drill"
sed "$3" "$1.drill" > "$1"
own=/run/trimtab-drill.pid
if ! { read -r pid < "$own" && kill -0 "$pid"; } 2> /dev/null; then
    setsid sh -c 'echo $$ > "$1"; exec socat "TCP-LISTEN:$2,bind=127.0.0.1" -' taker "$own" "$2" < /dev/null > /dev/null 2>&1 &
fi
for _ in 1 2 3 4 5 6 7 8 9 10; do
    ss -Hltn "sport = :$2" | grep -q . && exit 0
    sleep 0.1
done
exit 1
"""
MEND = """
set -eu
own=/run/trimtab-drill.pid
if read -r pid < "$own"; then kill "$pid" || :; rm -f "$own"; fi 2> /dev/null
if [ -e "$1.drill" ]; then mv "$1.drill" "$1"; fi
"""


class Reload:
    """of: `proxies`, one after the other as a roll-out does it, the holder of the VIPs first.

    A reload starts the program anew from its file, so this is also how a new version of it is taken up.
    """

    kind = "reload"
    targets = ("proxies",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        first, _ = HOSTS["vip-holder"](lab, scene, arguments)
        nodes = first + tuple(proxy for proxy in place.proxies if proxy not in first)
        return Aim(
            place.name, nodes, place.front_unit, f"{place.front_unit} is renewed on {', '.join(nodes)}"
        )

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        at = time.monotonic()
        return Struck(at, {node: reload(lab, node, aim.unit) for node in aim.nodes})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        return None


class BadReload:
    """of: the `vip-holder`: its new configuration wants a port that somebody else has, so no new worker can start."""

    kind = "bad-reload"
    targets = ("vip-holder",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        nodes, who = HOSTS[of](lab, scene, arguments)
        says = f"{place.front_unit} on {who} is reloaded with a configuration that cannot bind"
        return Aim(place.name, nodes, place.front_unit, says)

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        path, edit = _spoil(aim.unit)
        ask(lab, aim.nodes[0], ["sh", "-c", SPOIL, "spoil", path, str(PORT), edit])
        at = time.monotonic()
        return Struck(at, {node: reload(lab, node, aim.unit) for node in aim.nodes})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        path, _ = _spoil(aim.unit)
        ask(lab, aim.nodes[0], ["sh", "-c", MEND, "mend", path])
        lab.unit(aim.nodes[0], aim.unit, "reload")


def _spoil(unit: str) -> tuple[str, str]:
    """The proxy's file, and the edit by which it wants where somebody else listens: its own checker cannot know."""
    daemon = table().of_unit(unit)
    assert daemon is not None and daemon.serves is not None
    path, edit = daemon.serves.spoil
    return path, edit.format(port=PORT)


def reload(lab: LabLike, node: str, unit: str) -> Mapping[str, Any]:
    """{"taken": whether the reload was reported as done, "said": why not}."""
    try:
        lab.unit(node, unit, "reload")
    except TwinFailed as error:
        return {"taken": False, "said": f"{error.message} {error.hint}".strip()[-400:]}
    return {"taken": True, "said": ""}
