"""What the agents of a site's proxies say of the daemons beside them: their own status file is read."""

from __future__ import annotations

import json
from typing import Any

from trimtab.drills.node_exec import ask_if_there
from trimtab.drills.scene import LabLike, Scene

STATUS = "/run/trimtab/agent/status.json"


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """By proxy {unit: its state in the agent's words}; None where no agent has said anything."""
    return {p: judge(ask_if_there(lab, p, ("cat", STATUS))) for p in scene.site(site).proxies}


def judge(reply: str | None) -> dict[str, str] | None:
    try:
        units = json.loads(reply or "")["units"]
        return {unit: str(told["state"] if isinstance(told, dict) else told) for unit, told in units.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
