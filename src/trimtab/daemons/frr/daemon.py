"""FRR: no host of an estate runs it, networks around it in the twin do."""

from __future__ import annotations

from trimtab.daemons.base import Daemon
from trimtab.daemons.frr import ready

DAEMON = Daemon(
    "frr",
    programs={"vtysh": "frr"},
    probes=(ready.SESSIONS, ready.ROUTE),
)
