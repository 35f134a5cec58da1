"""Consul: a site's registry that is brought, not rendered."""

from __future__ import annotations

from trimtab.daemons.base import Daemon
from trimtab.daemons.consul import ready

DAEMON = Daemon("consul", units=("consul.service", "consul-token.service"), probes=(ready.SERVERS,))
