"""`trimtab-agent drain|maint|ready`: a host takes itself out of every pool that it serves, and comes back; `split` moves
the shares of its site.

What a deployment calls on the host before it stops the application and after it has started it: it needs no estate
file, only what the agent of the host has anyway. It returns when the registry has it; proxies follow within
milliseconds. Who waits for connections to end does so in the application.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from trimtab.control.hand import Seat, Who, plan_hand, plan_split, read_shares, seats, write_planned
from trimtab.drivers.registry.base import Registry, Snapshot
from trimtab.drivers.registry.record import By, Split, State
from trimtab.errors import BadInput
from trimtab.render.agent_file import REGISTER, AgentFile


def pools_of(agent: AgentFile, folder: Path = Path(REGISTER)) -> list[tuple[str, str]]:
    """(pool, this host's name in it) of everything that the host serves. A file that cannot be read names none."""
    found = [(pool, agent.host) for pool in agent.serves]
    for path in sorted(folder.glob("*.json")):
        try:
            said = json.loads(path.read_text())
            found.append((str(said["pool"]), str(said.get("name", agent.host))))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return sorted(set(found))


async def do(
    registry: Registry, agent: AgentFile, what: str, words: Sequence[str], reason: str, by: str, folder: Path
) -> str:
    """What was done, in words. Raises BadInput, DriverError."""
    if what == "split":
        shares = read_shares(words[1:])
        changed = await set_split(registry, agent, words[0] if words else "", shares, reason, by)
        return f"split {words[0]} {' '.join(words[1:])}" if changed else "is so already"
    if words:
        raise BadInput(
            f"{' '.join(words)}: nothing is expected after `{what}`", "it is this host's own state"
        )
    pools = await set_state(registry, agent, cast(State, what), reason, by, folder)
    return f"{what} in {', '.join(pools)}" if pools else "is so already"


async def set_state(
    registry: Registry, agent: AgentFile, state: State, reason: str, by: str, folder: Path = Path(REGISTER)
) -> Sequence[str]:
    """The pools in which something changed. Raises BadInput where the host serves nothing or would be the last of a
    pool that takes requests, and DriverError.
    """
    mine = pools_of(agent, folder)
    if not mine:
        raise BadInput(f"{agent.host} serves no pool", f"see `hosts` of pools, and {REGISTER}")
    changed = []
    for pool, name in mine:
        if await _set_one(registry, agent, pool, name, state, Who(by, reason, round(time.time(), 3))):
            changed.append(pool)
    return changed


def whole_pool(snapshot: Snapshot, pool: str, name: str, members: int) -> tuple[Seat, ...]:
    """Everybody in a pool. members: how many the estate names; who they are is known of those with a hand on them, and
    the others serve. 0: all have registered.
    """
    if not members:
        return seats(snapshot, pool)
    begins = f"hand/{pool}/"
    known = {key.removeprefix(begins) for key in snapshot.records if key.startswith(begins)}
    found = seats(snapshot, pool, {name, *known})
    return (*found, *[Seat(pool, "", None, None, "")] * (members - len(found)))


async def _set_one(
    registry: Registry, agent: AgentFile, pool: str, name: str, state: State, who: Who
) -> bool:
    members = agent.serves.get(pool, 0)
    return await write_planned(
        registry,
        lambda snapshot: plan_hand(
            snapshot, whole_pool(snapshot, pool, name, members), name, state, None, who
        ),
    )


async def set_split(
    registry: Registry, agent: AgentFile, name: str, shares: Mapping[str, int], reason: str, by: str
) -> bool:
    """Shares of a split that this host's proxy has, at this site; whether that changed anything. Raises BadInput."""
    known = {f"{each.service}/{each.name}": each for each in (agent.proxy.splits if agent.proxy else ())}
    if name not in known:
        raise BadInput(
            f"no split {name!r} on {agent.host}", f"there are: {', '.join(sorted(known)) or 'none'}"
        )
    file = known[name]
    declared = Split(file.service, file.name, dict(file.shares), cast(By, file.by))
    who = Who(by, reason, round(time.time(), 3))
    return await write_planned(registry, lambda snapshot: plan_split(snapshot, declared, shares, None, who))
