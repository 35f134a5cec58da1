"""The watch at a proxy's front: does it answer? keepalived hears of it."""

from __future__ import annotations

from trimtab.daemons.artifact import HOOKS
from trimtab.daemons.base import Daemon

# A proxy reads pools that this makes for it at each start; who judges its file asks it the same way.
MEMBERS_HOOK = f"{HOOKS}/proxy-members"

DAEMON = Daemon("front", units=("trimtab-front.service",))
