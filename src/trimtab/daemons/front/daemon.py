"""The watch at a proxy's front: does it answer? keepalived hears of it."""

from __future__ import annotations

from trimtab.daemons.base import Daemon

DAEMON = Daemon("front", units=("trimtab-front.service",))
