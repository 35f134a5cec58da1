"""A member's share grows back by steps, as long as nobody says another word of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from trimtab.ops.drain.plan import Finished
from trimtab.ops.drain.targets import MemberTarget, Overruled
from trimtab.ops.overrides.member import STEPS, write_planned
from trimtab.registry.base import Registry


async def grow(
    registry: Registry,
    target: MemberTarget,
    name: str,
    own: int,
    over_s: float,
    tell: Callable[[str, str], None],
) -> Finished:
    """own: its weight without any override. Not done where somebody else has the last word. Raises NoMember and DriverError;
    killed in the middle the member has the share of that step, until it is drained or undrained again.
    """
    try:
        for step in range(1, STEPS):
            await write_planned(registry, target.ramp(step, own))
            tell("ramp", f"{name} takes {100 * step // STEPS} % of its share")
            await asyncio.sleep(over_s / STEPS)
        await write_planned(registry, target.ramp(STEPS, own))
    except Overruled as error:
        return Finished(False, error.message)
    return Finished(True, f"{name} takes part again")
