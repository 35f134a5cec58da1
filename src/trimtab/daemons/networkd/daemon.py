"""systemd-networkd: told to leave alone what is not its own."""

from __future__ import annotations

from trimtab.daemons.base import Daemon

DAEMON = Daemon("networkd")
