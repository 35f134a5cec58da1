"""What this host's proxy should have now: the decisions for each pool and split, kept as long as nothing behind them changes.

After a start and until the registry has been read once, that is what the members' file says: the host goes on as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from trimtab.agent.membership.persistence import restore
from trimtab.agent.membership.pools import NOTHING, PoolDecision, Reason, decide
from trimtab.agent.membership.splits import Chosen, by_name, decide_split
from trimtab.agent.membership.store import Store
from trimtab.agent_config import PoolFile, ProxyFile

Tell = Callable[[str, Reason], None]  # pool or split, a new reason


class Desired:
    """Keys are names of pools and `SERVICE/NAME` of splits. tell: told each reason when it is new.

    decisions, splits: the newest.  served, served_splits: those that the members' file has, which a proxy may be told.
    """

    def __init__(self, proxy: ProxyFile, store: Store, tell: Tell = lambda key, reason: None) -> None:
        self.proxy, self.store = proxy, store
        self.pools: dict[str, PoolFile] = {pool.name: pool for pool in proxy.pools}
        self.files = by_name(proxy.splits)
        self.decisions: dict[str, PoolDecision] = {}
        self.splits: dict[str, Chosen] = {}
        self.served: dict[str, PoolDecision] = {}
        self.served_splits: dict[str, Chosen] = {}
        self._tell = tell
        self._versions: dict[str, tuple[int, int]] = {}
        self._waiting = False
        self._users: dict[str, list[str]] = {}
        for pool in proxy.pools:
            self._users.setdefault(pool.registry or pool.name, []).append(pool.name)

    def keys(self) -> Collection[str]:
        return [*self.pools, *self.files]

    def users(self, registered: Iterable[str]) -> Iterator[str]:
        """The pools whose members register under these names."""
        for name in registered:
            yield from self._users.get(name, ())

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on with the members' file until `trust`. Raises ValueError where it cannot be read."""
        decisions, splits = restore(saved, self.proxy, self.store)
        self.decisions.update(decisions)
        self.splits.update(splits)
        self.commit()
        self._waiting = True

    def trust(self) -> bool:
        """The registry has been read: from now on the store decides. Whether that is new."""
        waited, self._waiting = self._waiting, False
        return waited

    def commit(self) -> None:
        """The members' file has the newest."""
        self.served, self.served_splits = dict(self.decisions), dict(self.splits)

    def refresh(self, keys: Iterable[str]) -> set[str]:
        """Decide anew where something behind it has changed. The keys whose decision is another one now."""
        changed = set()
        for key in keys:
            if self._waiting and (key in self.decisions or key in self.splits):
                continue
            if self._refresh(key):
                changed.add(key)
        return changed

    def _refresh(self, key: str) -> bool:
        if key in self.pools:
            return self._refresh_pool(self.pools[key])
        return key in self.files and self._refresh_split(key)

    def _refresh_pool(self, pool: PoolFile) -> bool:
        registered = self.store.pool(pool.registry or pool.name)
        version = registered.version, registered.health_version
        if self._versions.get(pool.name) == version:
            return False
        last = self.decisions.get(pool.name, NOTHING)
        found = decide(pool, registered.members, registered.overrides, last, registered.alive)
        self._versions[pool.name] = version
        if found == last and pool.name in self.decisions:
            return False
        self.decisions[pool.name] = found
        self._say(pool.name, found.reasons, last.reasons)
        return True

    def _refresh_split(self, name: str) -> bool:
        last = self.splits.get(name)
        found = decide_split(self.files[name], self.store.splits.get(name), last)
        if found == last:
            return False
        self.splits[name] = found
        self._say(name, found.reasons, last.reasons if last else ())
        return True

    def _say(self, key: str, now: tuple[Reason, ...], before: tuple[Reason, ...]) -> None:
        for reason in now:
            if reason not in before:
                self._tell(key, reason)
