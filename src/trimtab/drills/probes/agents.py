"""Which release the agent of each host is of: the running process is asked, not the program that would be started next."""

from __future__ import annotations

from typing import Any

from trimtab.daemons.agent.daemon import UNIT
from trimtab.delivery import releases
from trimtab.drills.node_exec import ask_if_there
from trimtab.drills.scene import LabLike, Scene

COMMANDS = ("sh", "-c", "for each in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$each; echo; done 2>/dev/null")


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """By site {host: `older`, `ours`, or None where no agent runs or nobody says}."""
    return {
        place.name: {
            host: judge(ask_if_there(lab, host, COMMANDS), str(releases.folder()))
            for host in place.units.get(UNIT, ())
        }
        for place in scene.sites.values()
    }


def judge(commands: str | None, older: str) -> str | None:
    """commands: of every process, a line each: interpreter, program, arguments. An agent that serves has no arguments."""
    found = [
        line.split() for line in (commands or "").splitlines() if line.rstrip().endswith("/trimtab-agent")
    ]
    interpreters = {words[0] for words in found if len(words) == 2}
    if len(interpreters) != 1:
        return None
    return "older" if interpreters.pop().startswith(f"{older}/") else "ours"
