"""`trimtab-agent drain|maint|ready`: a host takes itself out of every pool that it serves, and comes back; `split` moves
the shares of its site.

What a deployment calls on the host before it stops the application and after it has started it: it needs no estate
file, only what the agent of the host has anyway. It returns when the registry has it; proxies follow within
milliseconds. Who waits for connections to end does so in the application.

What somebody else said of the host stands: a deployment does not know why an operator took it out. And what takes the
host away asks the arbiter, where the estate has a store to ask in; `ready` takes nothing and asks nobody.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from trimtab.agent_config import REGISTER, AgentFile, SplitFile, names_of
from trimtab.errors import BadInput
from trimtab.ops.drain.of_host import host_drain, requests_of_host
from trimtab.ops.drain.take import Taking, take
from trimtab.ops.overrides.member import (
    CONDITIONS,
    NoMember,
    PoolMember,
    Who,
    is_ramping,
    plan_override,
    pool_member_of,
    pool_members,
    together,
    write_planned,
)
from trimtab.ops.overrides.split import every_pool, plan_split, read_shares
from trimtab.registry.base import Registry, Snapshot, Write
from trimtab.registry.record import By, Override, Split, State


@dataclass(frozen=True, slots=True)
class HostWish:
    """What a host wants of itself. force: over the words of others."""

    state: State
    who: Who
    force: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """For one pool. write: None where nothing changes.  note: what stands besides, "" for nothing."""

    pool: str
    write: Write | None
    note: str = ""


def pools_of(agent: AgentFile, folder: Path = Path(REGISTER)) -> list[tuple[str, str]]:
    """(pool, this host's name in it) of everything that the host serves. A file that cannot be read names none."""
    found = [(pool, agent.host) for pool in agent.serves]
    for path in sorted(folder.glob("[!.]*.json")):
        try:
            said = json.loads(path.read_text())
            found.append((str(said["pool"]), str(said.get("name", agent.host))))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return sorted(set(found))


async def do(
    registry: Registry,
    agent: AgentFile,
    what: str,
    words: Sequence[str],
    who: Who,
    folder: Path,
    force: bool = False,
    store: Registry | None = None,
) -> str:
    """What was done, in words. store: the estate's, where there is one. Raises Denied, BadInput, DriverError."""
    if what == "split":
        changed = await set_split(
            registry, agent, words[0] if words else "", read_shares(words[1:]), who, force
        )
        return f"split {words[0]} {' '.join(words[1:])}" if changed else "no change"
    if words:
        raise BadInput(
            f"{' '.join(words)}: nothing is expected after `{what}`", "it is this host's own state"
        )
    if force and not who.reason:
        raise BadInput("--force needs a reason", "--reason WHY: it is kept with the change")
    wish = HostWish(cast(State, what), who, force)
    return in_words(what, await set_state(registry, agent, wish, folder, store))


def in_words(what: str, done: Sequence[Planned]) -> str:
    pools = ", ".join(each.pool for each in done if each.write is not None)
    return "; ".join([f"{what} in {pools}" if pools else "no change", *(d.note for d in done if d.note)])


async def set_state(
    registry: Registry,
    agent: AgentFile,
    wish: HostWish,
    folder: Path = Path(REGISTER),
    store: Registry | None = None,
) -> list[Planned]:
    """In all pools of the host, or in none. Raises Denied where the arbiter objects in one of them; BadInput where it
    serves nothing, would be the last of a pool that takes requests, or somebody else's word stands; and DriverError.
    """
    mine = pools_of(agent, folder)
    if not mine:
        raise BadInput(f"{agent.host} serves no pool", f"see `hosts` of pools, and {REGISTER}")
    done: list[Planned] = []

    def plan(snapshot: Snapshot) -> Write | None:
        done[:] = plan_all(snapshot, agent, mine, wish)
        return together(each.write for each in done if each.write is not None)

    if wish.state == "ready" or agent.asks is None or store is None:
        await write_planned(registry, plan)
        return done
    asks = agent.asks
    taking = Taking(
        plan, lambda found: requests_of_host(agent.site, asks, found, mine, wish.who, wish.force), wish.force
    )
    taken = await take(host_drain(store, registry, agent.site, asks), taking)
    return [*done, Planned("", None, taken.note)]


def plan_all(
    snapshot: Snapshot, agent: AgentFile, mine: Sequence[tuple[str, str]], wish: HostWish
) -> list[Planned]:
    """Each on what the ones before it leave: a host may be several members of one pool. Where it is not registered
    (yet) there is nothing to say. Raises BadInput.
    """
    found: list[Planned] = []
    absent: list[NoMember] = []
    most = max(2, CONDITIONS // len(mine) - 2)  # Consul takes two steps more for each record that is put
    for pool, name in mine:
        try:
            found.append(_plan(snapshot, agent, pool, name, wish, most))
        except NoMember as error:
            absent.append(error)
            found.append(Planned(pool, None, f"{pool}: {name} is not registered"))
        if (write := found[-1].write) is not None:
            snapshot = Snapshot(snapshot.revision, {**snapshot.records, **write.put})
    if len(absent) == len(mine):
        raise absent[0]
    return found


def _plan(snapshot: Snapshot, agent: AgentFile, pool: str, name: str, wish: HostWish, most: int) -> Planned:
    site_members = whole_pool(snapshot, pool, agent.serves.get(pool, ()))
    pool_member = pool_member_of(site_members, name)
    override = pool_member.override or Override(pool, name)
    if not wish.force and override.by != wish.who.by and override.state != "ready":
        return _stands(override, wish.state)
    ramps = is_ramping(pool_member)  # a share that is on its way back is nobody's weight
    weight = None if wish.force or ramps else override.weight
    who = wish.who
    if not wish.force and not ramps and override.state == wish.state and override.by not in ("", who.by):
        who = replace(who, reason="")  # the weight is another's word: it keeps its reason
    write = plan_override(snapshot, site_members, name, wish.state, weight, who, force=wish.force, most=most)
    stays = wish.state == "ready" and weight is not None
    return Planned(pool, write, f"{pool}: weight {weight}{_whose(override, wish)} stays" if stays else "")


def _stands(override: Override, wanted: State) -> Planned:
    """Somebody else took it out. To be out at least as far is fine; anything else raises BadInput."""
    said = f"{override.pool}: {override.state} by {override.by or 'somebody'} stands ({override.reason or 'no reason given'})"
    if wanted == "drain" or override.state == wanted:
        return Planned(override.pool, None, said)
    raise BadInput(said, f"ask there first; or `trimtab-agent {wanted} --force --reason WHY`")


def _whose(override: Override, wish: HostWish) -> str:
    return f" by {override.by}" if override.by and override.by != wish.who.by else ""


def whole_pool(snapshot: Snapshot, pool: str, ranges: Sequence[str]) -> tuple[PoolMember, ...]:
    """Everybody in a pool. ranges: whom the estate names; without any, who has registered. Raises BadInput."""
    try:
        return pool_members(snapshot, pool, names_of(ranges), registers=not ranges)
    except ValueError as error:
        raise BadInput(f"agent.json: serves.{pool}: {error}", "`trimtab build` renders it") from error


async def set_split(
    registry: Registry,
    agent: AgentFile,
    name: str,
    shares: Mapping[str, int],
    who: Who,
    force: bool = False,
) -> bool:
    """Shares of a split that this host's proxy has, at this site; whether that changed anything. Raises BadInput."""
    file = _split_of(agent, name)
    if force:
        raise BadInput("--force does not belong to `split`", "no split needs it")
    declared = Split(file.service, file.name, dict(file.shares), cast(By, file.by))
    every_pool(declared, shares, f"trimtab-agent split {name}")
    return await write_planned(registry, lambda snapshot: plan_split(snapshot, declared, shares, None, who))


def _split_of(agent: AgentFile, name: str) -> SplitFile:
    """By `SERVICE/NAME`, or by its service where that has one only. Raises BadInput."""
    if agent.proxy is None:
        raise BadInput(f"{agent.host} is no proxy", "splits are set on a proxy, or with `trimtab split`")
    known = {f"{each.service}/{each.name}": each for each in agent.proxy.splits}
    found = [each for full, each in known.items() if name in (full, each.service)]
    if len(found) != 1:
        which = f"{name} has {len(found)} splits" if found else f"no split {name!r} on {agent.host}"
        raise BadInput(which, f"there are: {', '.join(sorted(known)) or 'none'}")
    return found[0]


def who_here(agent: AgentFile, user: str, reason: str) -> Who:
    """By whom a word on this host is: so it knows its own from an operator's."""
    return Who(f"{user}@{agent.host}", reason.strip(), round(time.time(), 3))
