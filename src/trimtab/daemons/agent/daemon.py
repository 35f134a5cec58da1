"""Trimtab's own agent. It is stopped last and started last: whatever it does about the others, they run without it."""

from __future__ import annotations

from trimtab.daemons.base import Daemon, TakesUp

UNIT = "trimtab-agent.service"
DAEMON = Daemon("agent", units=(UNIT,), takes_up=TakesUp.LAST)
