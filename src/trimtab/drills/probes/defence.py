"""What a site's routers refuse and take from other networks, since when their sessions stand, and what their agents say of
their RPKI validators.
"""

from __future__ import annotations

import json
import re
from typing import Any

from trimtab.agent_config import PATH
from trimtab.drills.node_exec import ask_if_there
from trimtab.drills.scene import LabLike, Scene

_ROUTE = re.compile(r"(\S+/\d+)?\s+\w+ \[(\w+) [^\]]*\]", re.ASCII)
_METRIC = re.compile(r'trimtab_(rpki_validator_up|rpki_roas)\{.*?validator="(\w+)"\} (\S+)', re.ASCII)


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """By router: `refused` (prefix → number of the reason), `taken` (prefixes), `sessions` (name → since), `validators` (name
    → up, roas, as its agent's metrics have them). None where it gave no answer.
    """
    place = scene.site(site)
    mark = scene.rpki.mark if scene.rpki else 0
    return {router: _router(lab, router, mark) for router in place.speakers}


def _router(lab: LabLike, router: str, mark: int) -> dict[str, Any] | None:
    asked = "".join(
        f"show route table wan{v} {what}\n"
        for v in (4, 6)
        for what in ("filtered all", 'where proto ~ "up_*"')
    )
    parts = [ask_if_there(lab, router, ["birdc"], f"{line}\nquit\n") for line in asked.splitlines()]
    told = ask_if_there(lab, router, ["birdc", "show", "protocols"])
    if told is None or None in parts:
        return None
    filtered, taken = "\n".join(map(str, parts[::2])), "\n".join(map(str, parts[1::2]))
    return {
        "refused": refused(filtered, mark),
        "taken": sorted({prefix for prefix, _ in routes(taken)}),
        "sessions": sessions(told),
        "validators": metrics(_metrics(lab, router)),
    }


def _metrics(lab: LabLike, router: str) -> str:
    told = ask_if_there(lab, router, ["cat", PATH])
    if told is None:
        return ""
    found = json.loads(told)
    address = f"[{found['address']}]" if ":" in found["address"] else found["address"]
    url = f"http://{address}:{found['metrics_port']}/metrics"
    return ask_if_there(lab, router, ["curl", "-s", "-m", "5", url]) or ""


def routes(text: str) -> list[tuple[str, str]]:
    """(prefix, protocol) of each route that birdc shows; a further route of a prefix leaves the prefix out."""
    found, prefix = [], ""
    for line in text.splitlines():
        if match := _ROUTE.match(line.removeprefix("bird> ")):
            prefix = match[1] or prefix
            found.append((prefix, match[2]))
    return found


def refused(text: str, mark: int) -> dict[str, int]:
    """Prefix → the reason that its route carries, 0 where it has none. mark: second part of the community that says it."""
    found: dict[str, int] = {}
    prefix = ""
    for line in text.splitlines():
        if match := _ROUTE.match(line.removeprefix("bird> ")):
            prefix = match[1] or prefix
            found.setdefault(prefix, 0)
        elif prefix and (why := re.search(rf"large_community:.*\(\d+, {mark}, (\d+)\)", line)):
            found[prefix] = int(why[1])
    return found


def sessions(text: str) -> dict[str, str]:
    """With upstreams: name → since when it is up, "" where it is not."""
    rows = [line.split() for line in text.splitlines()]
    own = [row for row in rows if len(row) >= 5 and row[1] == "BGP" and row[0].startswith("up_")]
    return {row[0]: row[4] if row[3] == "up" else "" for row in own}


def metrics(text: str) -> dict[str, dict[str, float]]:
    """Validator → `up` and `roas`, of an agent's metrics."""
    found: dict[str, dict[str, float]] = {}
    for name, validator, value in _METRIC.findall(text):
        told = found.setdefault(validator, {"up": 0.0, "roas": 0.0})
        told["up" if name.endswith("up") else "roas"] += float(value)
    return found
