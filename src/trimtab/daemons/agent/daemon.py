"""Trimtab's own agent. It is stopped last and started last: whatever it does about the others, they run without it."""

from __future__ import annotations

from trimtab.daemons.base import Daemon, TakesUp

DAEMON = Daemon("agent", units=("trimtab-agent.service",), takes_up=TakesUp.LAST)
