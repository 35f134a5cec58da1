"""Agents, registries and checks: nothing of them is on the way of a request, so their loss costs none."""

from __future__ import annotations

from trimtab.daemons.pools import used
from trimtab.daemons.splits import splits
from trimtab.estate.inventory import Inventory
from trimtab.timing.client import SERVES_ON
from trimtab.timing.interval import NOTHING
from trimtab.timing.layout import World, serving
from trimtab.timing.models.base import Figures, Model, both
from trimtab.timing.models.proxy import moves, process_kill
from trimtab.timing.parts import Term

FAILS_STATIC = Term(
    "agent",
    "proxies keep the members that they have; their own checks go on",
    NOTHING,
    "docs/design.md, static stability",
)
DRAINED = Term(
    "proxy",
    "a member without weight gets nothing new before it is stopped",
    NOTHING,
    "HAProxy 2.6 Management Guide, 9.3, set server; docs/agent.md",
)
ALL_SERVE = Term(
    "proxy",
    "where no check is well, every member is used",
    NOTHING,
    "docs/estate.md, panic: a second backend without checks",
)


def fails_static(inventory: Inventory, world: World) -> Figures:
    return both(FAILS_STATIC, FAILS_STATIC)


def served_on(inventory: Inventory, world: World) -> Figures:
    return both(SERVES_ON, SERVES_ON)


def drained(inventory: Inventory, world: World) -> Figures:
    return both(DRAINED, DRAINED)


def all_serve(inventory: Inventory, world: World) -> Figures:
    return both(ALL_SERVE, ALL_SERVE)


def _serves(inventory: Inventory) -> bool:
    return bool(serving(inventory))


def _has_registry(inventory: Inventory) -> bool:
    return _serves(inventory) and bool(inventory.on_duty("registry"))


def _registers(inventory: Inventory) -> bool:
    return _has_registry(inventory) and any(pool.discover for _, pool in used(inventory))


def _has_members(inventory: Inventory) -> bool:
    return _serves(inventory) and any(pool.members is None for _, pool in used(inventory))


def _has_split(inventory: Inventory) -> bool:
    return _has_registry(inventory) and any(True for _ in splits(inventory))


MODELS = (
    Model(
        "registry-version-upgrade",
        "etcd's next version under every registry, and back",
        _registers,
        fails_static,
    ),
    Model("agent-versions-mixed", "agents of two releases, upgraded host by host", _registers, drained),
    Model("registry-total-loss", "every registry of every site is gone", _registers, fails_static),
    Model("agent-kill", "every agent of a site is killed", _serves, fails_static),
    Model("agent-hang", "every agent of a site hangs", _serves, fails_static),
    Model("rolling-backend-deploy", "every backend is replaced, one by one", _has_members, drained),
    Model("canary-split", "a share of the traffic is moved", _has_split, served_on),
    Model("flapping-backend", "a backend's check fails and succeeds in turns", _has_members, served_on),
    Model("all-checks-lie", "every check of every site fails at once", _has_members, all_serve),
    Model("daemon-crash-loop", "the proxy dies whenever it has come up", moves, process_kill),
)
