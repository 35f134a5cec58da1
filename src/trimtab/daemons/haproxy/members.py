"""What has to be said to HAProxy so that a pool has the members it should have. Pure; twice changes nothing.

A pool is up to three backends: its own; a `patient` one for bodies and tunnels, whose servers of the file follow the state of
the pool's own; and a `spare` without checks that serves while too few members are healthy. All get the same servers, known
by their id; id I of a pool fed by the registry has the name `mI`. Nobody can follow a server that was added at run time
(Management Guide 9.3, add server), so the double of one is checked itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Protocol

from trimtab.daemons.haproxy import wire, words
from trimtab.daemons.haproxy.dumps import ServerState
from trimtab.daemons.haproxy.wire import Command

# Words of a server that are of its checks, and how many follow them: HAProxy 2.6 Configuration Manual, section 5.2.
CHECKS = {
    **dict.fromkeys(("check", "no-check", "check-ssl", "no-check-ssl", "check-send-proxy", "check-via-socks4"), 0),
    **dict.fromkeys(("inter", "fastinter", "downinter", "rise", "fall", "addr", "port"), 1),
    **dict.fromkeys(("observe", "error-limit", "on-error", "check-proto", "check-sni", "check-alpn"), 1),
    **dict.fromkeys(("agent-check", "no-agent-check"), 0),
    **dict.fromkeys(("agent-addr", "agent-inter", "agent-port", "agent-send"), 1),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class WantServer:
    """A server that a pool should have. address: `A:P`. ready: False keeps it in maintenance; weight 0 drains it."""

    id: int
    address: str
    weight: int = 100
    ready: bool = True


Want = Iterable[WantServer]
Have = Mapping[str, Mapping[int, ServerState]]  # backend → id → server


class Pool(Protocol):
    """What of a pool's part in the agent's file is needed here; see `agent_config.PoolFile`."""

    @property
    def name(self) -> str: ...
    @property
    def registry(self) -> str: ...
    @property
    def slots(self) -> int: ...
    @property
    def dynamic(self) -> bool: ...
    @property
    def options(self) -> str: ...
    @property
    def spare(self) -> str: ...
    @property
    def patient(self) -> str: ...


@dataclass(slots=True)
class _Plan:
    """Commands by what they do. Capacity comes before it goes, and the rest in between."""

    add: list[Command] = field(default_factory=list)
    more: list[Command] = field(default_factory=list)
    move: list[Command] = field(default_factory=list)
    less: list[Command] = field(default_factory=list)
    remove: list[Command] = field(default_factory=list)

    def ordered(self) -> tuple[Command, ...]:
        return (*self.add, *self.more, *self.move, *self.less, *self.remove)


def seen(servers: Iterable[ServerState]) -> Have:
    """What `Runtime.servers` gives, by backend and id."""
    by_backend: dict[str, dict[int, ServerState]] = {}
    for backend, rows in groupby(servers, itemgetter(0)):
        by_backend.setdefault(backend, {}).update({row.id: row for row in rows})
    return by_backend


def difference(want: Want, have: Have, pool: Pool) -> tuple[Command, ...]:
    """Commands that bring the backends of `pool` from `have` to `want`, in the order in which to send them.

    Of a pool that its file has completely (no `registry`) only weights and states are set, and servers that are not
    wanted are left alone. A registry's pool loses them: nobody wanted empties it, which is for the caller to weigh.
    Raises BadInput for an address, a weight or a name that HAProxy may not be given.
    """
    plan = _Plan()
    wanted = {server.id: server for server in want}
    for backend in backends(pool):
        _compare(wanted, have.get(backend, {}), backend, pool, plan)
    return plan.ordered()


def missing(want: Want, have: Have, pool: Pool) -> tuple[int, ...]:
    """The ids that only a reload can bring: they have no server in one of the backends, and none may be added."""
    if _adds(pool):
        return ()
    rows = [have.get(backend, {}) for backend in backends(pool)]
    return tuple(server.id for server in want if any(server.id not in each for each in rows))


def backends(pool: Pool) -> tuple[str, ...]:
    return tuple(each for each in (pool.name, pool.patient, pool.spare) if each)


def unchecked(options: str) -> str:
    """`options` of a server without those of its checks."""
    each_word, kept = iter(options.split()), []
    for word in each_word:
        if (arguments := CHECKS.get(word)) is None:
            kept.append(word)
        for _ in range(arguments or 0):
            next(each_word, "")
    return " ".join(kept)


def _adds(pool: Pool) -> bool:
    return bool(pool.registry) and pool.dynamic


def _compare(
    wanted: Mapping[int, WantServer], rows: Mapping[int, ServerState], backend: str, pool: Pool, plan: _Plan
) -> None:
    moves, known = bool(pool.registry), 0
    for number, server in wanted.items():
        row = rows.get(number)
        if row is None:
            if _adds(pool):
                _add(server, backend, pool, plan)
            continue
        known += 1
        at = not moves or server.address == f"{row.address}:{row.port}" or _same(server.address, row)
        if not (at and row.weight == server.weight and _as_wanted(server, row) and not row.muted):
            _change(server, row, at, plan)
    if moves and known < len(rows):
        for number, row in rows.items():
            if number not in wanted:
                _remove(row, pool, plan)


def _same(address: str, row: ServerState) -> bool:
    host, _, port = address.rpartition(":")
    if not host.startswith("[") and ":" not in host:
        return False  # IPv4 has one way to be written
    return port == str(row.port) and (
        host.strip("[]") == row.address or words.endpoint(address)[0] == row.address
    )


def _as_wanted(server: WantServer, row: ServerState) -> bool:
    return row.ready if server.ready else row.maint


def _add(server: WantServer, backend: str, pool: Pool, plan: _Plan) -> None:
    name = f"m{server.id}"
    options = unchecked(pool.options) if backend == pool.spare else pool.options
    plan.add.append(wire.add_server(backend, name, server.id, server.address, server.weight, options))
    if "check" in options.split():
        plan.add.append(wire.enable_health(backend, name))
    if server.ready:
        plan.add.append(wire.set_state(backend, name, "ready", "add"))


def _change(server: WantServer, row: ServerState, at: bool, plan: _Plan) -> None:
    """One server that is there. It comes into service last, with everything else already right."""
    backend, name = row.backend, row.name
    if not server.ready and not row.maint:
        plan.less.append(wire.set_state(backend, name, "maint"))
    comes = server.ready and not row.ready
    bringing = plan.add if comes else plan.move
    if row.muted:
        bringing.append(wire.enable_health(backend, name))
    if not at:
        moves_in_service = server.ready and not row.maint
        if moves_in_service:
            bringing.append(wire.set_state(backend, name, "maint"))
        into = bringing if server.ready else plan.less
        into.append(wire.set_address(backend, name, server.address, "add" if server.ready else "change"))
        comes = comes or moves_in_service
    if row.weight != server.weight:
        where = bringing if comes else plan.more if server.weight > row.weight else plan.less
        where.append(wire.set_weight(backend, name, server.weight))
    if comes:
        bringing.append(wire.set_state(backend, name, "ready", "add"))


def _remove(row: ServerState, pool: Pool, plan: _Plan) -> None:
    """Into maintenance, where what is under way may end; a server that no slot stands for is then deleted."""
    if not row.maint:
        plan.remove.append(wire.set_state(row.backend, row.name, "maint", "remove"))
    if pool.dynamic and row.id > pool.slots:
        plan.remove.append(wire.del_server(row.backend, row.name))
