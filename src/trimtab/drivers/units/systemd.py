"""systemd, asked by systemctl: question, run and reading apart.

Sources: systemctl(1), org.freedesktop.systemd1(5) of systemd 252.
"""

from __future__ import annotations

from collections.abc import Sequence

from trimtab.drivers.command import run
from trimtab.drivers.units.base import Active, UnitState, checked
from trimtab.errors import InvalidResponse, Refused, Unreachable

PROPERTIES = ("Id", "LoadState", "ActiveState", "NRestarts", "MainPID", "StateChangeTimestampMonotonic")
ASK_S = 5.0
ACT_S = 60.0  # a daemon may take its TimeoutStopSec= to go
STATES: dict[str, Active] = {
    "active": "active",
    "reloading": "active",
    "activating": "activating",
    "deactivating": "deactivating",
    "inactive": "inactive",
    "maintenance": "inactive",
    "failed": "failed",
}


class Systemd:
    """ask_s, act_s: seconds that a question and an act may take."""

    def __init__(self, program: str = "systemctl", ask_s: float = ASK_S, act_s: float = ACT_S) -> None:
        self._program, self._ask_s, self._act_s = program, ask_s, act_s

    async def state(self, names: Sequence[str]) -> dict[str, UnitState]:
        """See `base.Units`."""
        known = checked(names)
        if not known:
            return {}
        said = await self._run("show", f"--property={','.join(PROPERTIES)}", "--", *known, limit=self._ask_s)
        return read_show(said, known)

    async def restart(self, name: str) -> None:
        """See `base.Units`."""
        await self._forgive(name)
        await self._run("restart", "--", name, limit=self._act_s)

    async def reload(self, name: str) -> None:
        """See `base.Units`."""
        checked([name])
        await self._run("reload", "--", name, limit=self._act_s)

    async def reread(self) -> None:
        """See `base.Manager`."""
        await self._run("daemon-reload", limit=self._act_s)

    async def start(self, name: str) -> None:
        """See `base.Manager`. One of this name may have failed before: its next try is a new one's first."""
        await self._forgive(name)
        await self._run("enable", "--now", "--", name, limit=self._act_s)

    async def stop(self, name: str) -> None:
        """See `base.Manager`. Its file is gone, so systemd may know nothing of it and then refuses to stop it; or it still knows
        that it has failed. The boot's link to it is there.
        """
        said = await self._run("stop", "--", checked([name])[0], limit=self._act_s, may_fail=True)
        await self._forgive(name)
        await self._run("disable", "--", name, limit=self._act_s, may_fail=True)
        if (await self.state([name]))[name].active not in ("missing", "inactive", "failed"):
            raise Refused(f"systemctl stop {name}: {said.strip()[-300:] or 'it still runs'}")

    async def _forgive(self, name: str) -> None:
        """What failed too often systemd would refuse to start; a unit that is not loaded has nothing to be forgiven."""
        await self._run("reset-failed", "--", checked([name])[0], limit=self._ask_s, may_fail=True)

    async def _run(self, verb: str, *arguments: str, limit: float, may_fail: bool = False) -> str:
        ran = await run((self._program, "--no-pager", "--no-ask-password", verb, *arguments), limit)
        if ran.code == 0 or (may_fail and ran.code is not None):
            return ran.output
        reason = ran.fault or ran.output.strip()[-300:] or f"exit status {ran.code}"
        if (
            ran.code is None
            or "Failed to connect to bus" in reason
            or "not been booted with systemd" in reason
        ):
            raise Unreachable(f"systemd: {reason}")
        raise Refused(f"systemctl {' '.join((verb, *arguments[-1:]))}: {reason}")


def read_show(text: str, names: Sequence[str]) -> dict[str, UnitState]:
    """Of `systemctl show -p ... NAMES`: a block of KEY=VALUE a unit, in the order asked. An alias tells its unit's own
    Id, so the order counts, not the Id. Raises InvalidResponse.
    """
    blocks = [block for block in text.split("\n\n") if block.strip()]
    if len(blocks) != len(names):
        raise InvalidResponse(f"systemctl show: {len(blocks)} units told, {len(names)} asked for")
    return {name: _read_block(name, block) for name, block in zip(names, blocks, strict=True)}


def _read_block(name: str, block: str) -> UnitState:
    found = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    try:
        if found["LoadState"] == "not-found" and found["ActiveState"] == "inactive":
            return UnitState(name, "missing")
        since = int(found.get("StateChangeTimestampMonotonic") or 0) / 1e6  # 0: never in any state
        return UnitState(
            name,
            STATES[found["ActiveState"]],
            int(found.get("NRestarts") or 0),
            int(found.get("MainPID") or 0) or None,
            since or None,
        )
    except (KeyError, ValueError) as error:
        raise InvalidResponse(f"systemctl show {name}: {block[:200]!a} cannot be read") from error
