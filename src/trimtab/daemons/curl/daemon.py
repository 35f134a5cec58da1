"""curl: a client's view of a service."""

from __future__ import annotations

from trimtab.daemons.base import Daemon
from trimtab.daemons.curl import ready

DAEMON = Daemon("curl", programs={"curl": "curl"}, probes=(ready.GET,))
