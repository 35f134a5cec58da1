"""Who serves in a pool: what the file, the registrations and the operator's override ask for, within the guards. Pure.

Guards: a pool never becomes empty. Nobody registered any more: the last ones stay. Everybody drained, in maintenance or of
weight 0: that is a mistake, and the newest of these changes are refused until as many serve as the pool's floor.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from trimtab.agent_config import PoolFile, floor_of
from trimtab.daemons.haproxy.members import WantServer
from trimtab.registry.record import Member, Override

FULL_WEIGHT = 100
READY = Override("", "")


@dataclass(frozen=True, order=True, slots=True)
class Reason:
    """Why something was not done as asked. kind: of a closed set, for a metric."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One that is known. address: `A:P`, `[A]:P`.  weight: its own, before any override.  filed: the configuration file has it."""

    id: int
    name: str
    address: str
    weight: int
    backup: bool = False
    filed: bool = False


@dataclass(frozen=True, slots=True)
class PoolDecision:
    """wants: by id, every one that is known.  floor: with fewer healthy ones the proxy uses all.  reasons: what was not
    done as asked, and why.  known: in the order of `wants`.
    """

    wants: tuple[WantServer, ...] = ()
    floor: int = 1
    reasons: tuple[Reason, ...] = ()
    known: tuple[Endpoint, ...] = ()


NOTHING = PoolDecision()


def decide(
    pool: PoolFile,
    members: Mapping[str, Member],
    overrides: Mapping[str, Override],
    last: PoolDecision = NOTHING,
    alive: Collection[str] | None = None,
) -> PoolDecision:
    """members, overrides: by name.  last: what this function said before, or what the disk has of it.  alive: whose own word
    is there; None: not asked. The floor of a pool that registers counts only these: members that are long gone, and that
    nobody took out, would otherwise be counted as unhealthy for ever.
    """
    reasons: list[Reason] = []
    known = _known(pool, members, last, reasons)
    asked = [_asked(each, overrides.get(each.name, READY)) for each in known]
    if known and not any(want.ready and want.weight for want in asked):
        asked = _refuse_newest(pool, known, asked, overrides, last, alive, reasons)
    regular = sum(
        w.ready and w.weight > 0 and not e.backup and _counts(e, alive)
        for w, e in zip(asked, known, strict=True)
    )
    # in one order, whoever served last: who is told the same twice is told nothing new
    return PoolDecision(tuple(asked), floor_of(pool.panic, regular), tuple(sorted(reasons)), tuple(known))


def _counts(each: Endpoint, alive: Collection[str] | None) -> bool:
    return each.filed or alive is None or each.name in alive


def _known(
    pool: PoolFile, members: Mapping[str, Member], last: PoolDecision, reasons: list[Reason]
) -> list[Endpoint]:
    found = {s.id: Endpoint(s.id, s.name, s.address, s.weight, s.backup, True) for s in pool.servers}
    if not pool.registry:
        return sorted(found.values(), key=_by_id)
    registered = [
        Endpoint(m.id, m.name, endpoint(m.address, m.port), m.weight)
        for m in members.values()
        if _fits(pool, m, reasons)
    ]
    if not registered and (registered := [each for each in last.known if not each.filed]):
        reasons.append(Reason("nobody_registered", f"nobody is registered: the last {len(registered)} stay"))
    for each in sorted(registered, key=lambda e: (e.id, e.name)):
        if each.id in found:
            text = f"{each.name} is refused: number {each.id} is that of {found[each.id].name}"
            reasons.append(Reason("number_taken", text))
            continue
        found[each.id] = each
    reasons.sort()
    return sorted(found.values(), key=_by_id)


def _fits(pool: PoolFile, member: Member, reasons: list[Reason]) -> bool:
    if member.id <= pool.slots or pool.dynamic:
        return True
    text = f"{member.name} is refused: number {member.id} is beyond the {pool.slots} places of the pool"
    reasons.append(Reason("no_place", text))
    return False


def _asked(each: Endpoint, override: Override) -> WantServer:
    weight = 0 if override.state == "drain" else each.weight if override.weight is None else override.weight
    return WantServer(each.id, each.address, weight, override.state != "maint")


def _refuse_newest(
    pool: PoolFile,
    known: Sequence[Endpoint],
    asked: Sequence[WantServer],
    overrides: Mapping[str, Override],
    last: PoolDecision,
    alive: Collection[str] | None,
    reasons: list[Reason],
) -> list[WantServer]:
    """Nobody would serve. The newest word of an override goes first; then those of weight 0 by registration, the ones that
    served last before the others.
    """
    served = {want.id: want.weight for want in last.wants if want.ready and want.weight}
    regular = [each for each in known if not each.backup] or list(known)
    need = floor_of(pool.panic, sum(each.weight > 0 and _counts(each, alive) for each in regular))

    def order(each: Endpoint) -> tuple[bool, bool, float, bool, int]:
        override = overrides.get(each.name, READY)
        overridden = each.weight > 0 or (override.weight or 0) > 0
        return (
            each.backup,
            not overridden,
            -override.at if overridden else 0.0,
            each.id not in served,
            each.id,
        )

    kept: dict[int, WantServer] = {}
    for each in sorted(known, key=order)[:need]:
        override = overrides.get(each.name, READY)
        weight = override.weight or each.weight or served.get(each.id) or FULL_WEIGHT
        kept[each.id] = WantServer(each.id, each.address, weight, True)
        what = override.state if override.state != "ready" else "weight 0"
        text = f"{each.name}: {what} is refused, the pool would have nobody; it needs {need}"
        reasons.append(Reason("last_member", text))
    return [kept.get(want.id, want) for want in asked]


def endpoint(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _by_id(each: Endpoint) -> int:
    return each.id
