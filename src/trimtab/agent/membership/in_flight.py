"""What is still under way to members that take no new requests: who stops one of them before that is over breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from trimtab.agent.membership.desired import Desired
from trimtab.daemons.haproxy.members import backends


class SessionsLike(Protocol):
    async def sessions(self, *pools: str) -> dict[tuple[str, int], int]: ...


class Leaving:
    """`POOL/NAME` → requests under way at this proxy. runtime: None where the proxy cannot be asked (nginx): then nobody is
    told, which is not the same as 0.
    """

    def __init__(self, desired: Desired, runtime: SessionsLike | None) -> None:
        self._desired, self._runtime = desired, runtime

    async def __call__(self) -> dict[str, int]:
        """Raises DriverError. HAProxy is asked only while somebody leaves."""
        pool_members = list(self._pool_members())
        if self._runtime is None or not pool_members:
            return {}
        asked = sorted(
            {backend for pool, _, _ in pool_members for backend in backends(self._desired.pools[pool])}
        )
        found = await self._runtime.sessions(*asked)
        return {
            f"{pool}/{name}": sum(
                found.get((each, number), 0) for each in backends(self._desired.pools[pool])
            )
            for pool, name, number in pool_members
        }

    def _pool_members(self) -> Iterator[tuple[str, str, int]]:
        for pool, decision in self._desired.served.items():
            for want, each in zip(decision.wants, decision.known, strict=True):
                if pool in self._desired.pools and not (want.ready and want.weight):
                    yield pool, each.name, each.id
