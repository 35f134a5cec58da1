"""What the agent sees, for humans and for `trimtab`: one file, written when it has changed, at most once a second.

    {"version","host","since","registry":{"state","revision","heard"},
     "pools":{POOL:{"members":[{"id","name","address","weight","ready","known","state",…}],"floor","reasons":[TEXT]}},
     "front":{"losses","held"},
     "splits":{"SERVICE/NAME":{"shares","by","reasons"}},"units":{UNIT:WORD},
     "registrations":[{"pool","name","id","address","port","state"}],"refused":[{"key","reason","why"}],"failing":{...}}

known: the member's own word, `passing`, `failing`, or `unknown` where it says nothing (any more). state: what the proxy is
told of it, `ready`, `drain` or `maint`; `by` and `reason` stand there where an operator has overridden it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from trimtab.agent.membership.desired import Desired
from trimtab.agent.membership.pools import PoolDecision
from trimtab.agent.membership.state import Pool
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.agent_config import PoolFile
from trimtab.daemons.haproxy.members import WantServer
from trimtab.drivers.files import write_atomically
from trimtab.registry.fields import shown
from trimtab.registry.record import Override

PACE = Pace(window=0.05, spacing=1.0, resync=10.0)
MOST_REFUSED = 200


class Status:
    """parts: everything but the pools, as JSON values."""

    name = "status"

    def __init__(self, path: Path, parts: Callable[[], Mapping[str, Any]], desired: Desired | None) -> None:
        self._path, self._parts, self._desired = path, parts, desired
        self._texts: dict[str, tuple[PoolDecision, tuple[int, int, int], str]] = {}
        self._written = b""
        self.bad_file = ""  # why a newer agent.json is not in force, "" where it is

    def keys(self) -> Collection[str]:
        return ("status",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        content = self.content()
        if content != self._written or not self._path.exists():
            write_atomically(self._path, content)
            self._written = content
        return DONE

    def content(self) -> bytes:
        parts = dict(self._parts())
        if self.bad_file:
            parts["refused"] = [*refusals({"agent.json": ("bad_file", self.bad_file)}), *parts["refused"]]
        rest = json.dumps(parts, separators=(",", ":"), sort_keys=True, default=str)
        pools = ",\n".join(f"{json.dumps(name)}:{text}" for name, text in self._pools())
        return f'{rest[:-1]},"pools":{{{pools}}}}}\n'.encode()

    def _pools(self) -> Iterator[tuple[str, str]]:
        """Of a pool that did not change the text is kept."""
        desired = self._desired
        for name, decision in desired.decisions.items() if desired else ():
            assert desired is not None
            file = desired.pools[name]
            pool = desired.store.pool(registered_as(file))
            held = len(desired.store.held(registered_as(file))) if file.registry else 0
            kept, behind = self._texts.get(name), (pool.version, pool.health_version, held)
            if kept is None or kept[0] is not decision or kept[1] != behind:
                text = json.dumps(describe(decision, pool, held), separators=(",", ":"))
                kept = self._texts[name] = (decision, behind, text)
            yield name, kept[2]


def registered_as(file: PoolFile) -> str:
    return file.registry or file.name


def describe(decision: PoolDecision, pool: Pool, held: int) -> dict[str, Any]:
    reasons = [reason.text for reason in decision.reasons]
    if held:
        reasons.append(f"{held} of the members are no longer in the registry; they stay for a while")
    return {
        "floor": decision.floor,
        "members": [
            {
                "id": want.id,
                "name": each.name,
                "address": want.address,
                "weight": want.weight,
                "ready": want.ready,
                "known": pool.alive.get(each.name, "unknown"),
                "state": state_of(want),
                **_said(pool.overrides.get(each.name)),
            }
            for want, each in zip(decision.wants, decision.known, strict=True)
        ],
        "reasons": reasons,
    }


def state_of(want: WantServer) -> Literal["ready", "drain", "maint"]:
    """What the proxy is told of a member."""
    return "maint" if not want.ready else "ready" if want.weight else "drain"


def _said(override: Override | None) -> dict[str, str]:
    if override is None or (override.state == "ready" and override.weight is None):
        return {}
    return {"by": override.by, "reason": override.reason}


def refusals(found: Mapping[str, tuple[str, str]]) -> list[dict[str, str]]:
    return [
        {"key": shown(key, 200), "reason": reason, "why": shown(text, 300)}
        for key, (reason, text) in sorted(found.items())[:MOST_REFUSED]
    ]


def counts(desired: Desired) -> Iterator[tuple[str, str, str, int]]:
    """For `Metrics.count_pools`, in another thread: lists are taken before they are gone through."""
    for name, decision in list(desired.decisions.items()):
        alive = desired.store.pool(registered_as(desired.pools[name])).alive
        state = {"ready": 0, "drain": 0, "maint": 0}
        known = {"passing": 0, "failing": 0, "unknown": 0}
        for want, each in zip(decision.wants, decision.known, strict=True):
            state[state_of(want)] += 1
            known[alive.get(each.name, "unknown")] += 1
        yield from ((name, "state", key, count) for key, count in state.items())
        yield from ((name, "known", key, count) for key, count in known.items())
