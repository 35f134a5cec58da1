"""What an agent leaves on the disk for its successor: the members' file, which the proxy reads too, and the records.

    members.json   {"version":1,"pools":{POOL:{ID:{"address":"A:P","weight":W,"ready":true}}},"floors":{POOL:N},
                    "splits":{"SERVICE/NAME":{"shares":{POOL:N},"by":"percent"}}}
    store.json     {"version":1,"revision":N,"saved":SECONDS,"records":{KEY:VALUE}}

Of servers that the configuration file has itself, members.json has only those that differ, without an address. Both are
written by one program and read as if by another: what does not fit is refused, never half taken.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any

from trimtab.agent.membership.pools import NOTHING, Endpoint, PoolDecision, endpoint
from trimtab.agent.membership.splits import Chosen, name_of
from trimtab.agent.membership.store import Store
from trimtab.agent_config import PoolFile, ProxyFile, SplitFile, floor_of
from trimtab.daemons.haproxy.members import WantServer
from trimtab.registry.fields import number
from trimtab.registry.record import MAX_ID, MAX_WEIGHT

VERSION = 1
RECENT_S = 600.0  # a restart or a boot; after a longer absence others know better


def pool_text(decision: PoolDecision) -> str:
    """The members of a pool as JSON; "" where there is nothing to say."""
    parts = []
    for want, each in zip(decision.wants, decision.known, strict=True):
        ready = "true" if want.ready else "false"
        if not each.filed:
            parts.append(f'"{want.id}":{{"address":"{want.address}","ready":{ready},"weight":{want.weight}}}')
        elif want.weight != each.weight or not want.ready:
            parts.append(f'"{want.id}":{{"ready":{ready},"weight":{want.weight}}}')
    return f"{{{','.join(parts)}}}" if parts else ""


def members_text(pools: Mapping[str, str], floors: Mapping[str, int], splits: Mapping[str, Chosen]) -> bytes:
    """pools: name → `pool_text`. A line a pool; names are the estate's, so they need no escape."""
    lines = ",\n".join(f'"{name}":{text}' for name, text in sorted(pools.items()) if text)
    shares = {name: {"by": each.by, "shares": dict(each.shares)} for name, each in sorted(splits.items())}
    head = f'{{"version":{VERSION},"floors":{_json(dict(sorted(floors.items())))},\n"splits":{_json(shares)},\n"pools":{{'
    return f"{head}{lines}}}}}\n".encode()


def store_text(store: Store, now: float = 0.0) -> bytes:
    """now: seconds since 1970."""
    lines = b",\n".join(b'"%b":%b' % (key.encode(), value) for key, value in store.lasting())
    head = b'{"version":%d,"revision":%d,"saved":%d,"records":{' % (VERSION, store.lineage(), int(now))
    return head + lines + b"}}\n"


def records_of(saved: Any, now: Callable[[], float] = time.time) -> tuple[int, dict[str, bytes]]:
    """(revision, records) of store.json; a record that cannot be one is left out. Raises ValueError.

    The revision of a file that is not of just now is 0: no registry is behind that, so none is given back what this
    host heard before it was off.
    """
    body = _object(_versioned(saved).get("records"), "records")
    revision = number("revision", saved.get("revision"), 0, 1 << 63)
    found = {key: _json(value).encode() for key, value in body.items() if isinstance(value, dict)}
    return revision if _recent(saved.get("saved"), now()) else 0, found


def _recent(saved: Any, now: float) -> bool:
    """A clock that was set back tells nothing."""
    return isinstance(saved, int) and not isinstance(saved, bool) and 0 <= now - saved <= RECENT_S


def restore(saved: Any, proxy: ProxyFile, store: Store) -> tuple[dict[str, PoolDecision], dict[str, Chosen]]:
    """The decisions behind a members' file, for what this proxy has. Raises ValueError. Pools that it does not name are
    left out: nothing is known of them.
    """
    body = _versioned(saved)
    pools, splits = _object(body.get("pools"), "pools"), _object(body.get("splits"), "splits")
    floors = _object(body.get("floors"), "floors")
    decisions = {
        pool.name: _decision(pool, _object(pools.get(pool.name, {}), pool.name), floors[pool.name], store)
        for pool in proxy.pools
        if pool.name in floors
    }
    chosen = {
        name_of(file): _chosen(file, splits[name_of(file)])
        for file in proxy.splits
        if name_of(file) in splits
    }
    decisions = {name: each for name, each in decisions.items() if each.known}
    return decisions, {name: each for name, each in chosen.items() if each is not None}


def _decision(pool: PoolFile, saved: Mapping[str, Any], floor: Any, store: Store) -> PoolDecision:
    names = {m.id: m.name for m in store.pool(pool.registry).members.values()} if pool.registry else {}
    pairs = [_filed(Endpoint(s.id, s.name, s.address, s.weight, s.backup, True), saved) for s in pool.servers]
    for name, each in saved.items():
        if "address" not in _object(each, name):
            continue
        want = WantServer(
            number("id", int(name), 1, MAX_ID), _address(each), _weight(each), each.get("ready") is True
        )
        pairs.append((want, Endpoint(want.id, names.get(want.id, f"m{want.id}"), want.address, want.weight)))
    if not pairs:
        return NOTHING
    pairs.sort(key=lambda pair: pair[0].id)
    wants, known = zip(*pairs, strict=True)
    return PoolDecision(wants, number("floor", floor, 1, floor_of(100, len(pairs))), (), known)


def _filed(each: Endpoint, saved: Mapping[str, Any]) -> tuple[WantServer, Endpoint]:
    found = saved.get(str(each.id))
    if found is None or "address" in found:
        return WantServer(each.id, each.address, each.weight, True), each
    return WantServer(each.id, each.address, _weight(found), found.get("ready") is True), each


def _chosen(file: SplitFile, saved: Any) -> Chosen | None:
    """None where it is of other pools than the estate has now."""
    shares = {
        str(pool): number("share", share, 0, 1_000_000)
        for pool, share in _object(saved.get("shares"), "shares").items()
    }
    if (
        set(shares) != set(file.shares)
        or not sum(shares.values())
        or saved.get("by") not in ("percent", "header", "cookie")
    ):
        return None
    return Chosen(tuple(sorted(shares.items())), saved["by"])


def _address(each: Mapping[str, Any]) -> str:
    host, _, port = str(each["address"]).rpartition(":")
    return endpoint(str(ip_address(host.strip("[]"))), number("port", int(port), 1, 65535))


def _weight(each: Mapping[str, Any]) -> int:
    return number("weight", each.get("weight"), 0, MAX_WEIGHT)


def _versioned(saved: Any) -> dict[str, Any]:
    if not isinstance(saved, dict) or saved.get("version") != VERSION:
        raise ValueError(f"an object of version {VERSION} is expected")
    return saved


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what}: an object is expected")
    return value


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
