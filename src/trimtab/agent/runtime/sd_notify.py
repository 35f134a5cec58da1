"""Tells the service manager how far the agent is. Source: sd_notify(3), systemd.service(5) `WatchdogSec=`."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


def notify(text: str, environment: Mapping[str, str] = os.environ) -> None:
    """`READY=1`, `STOPPING=1`, `WATCHDOG=1`. Without a manager, or with one that does not listen: nothing."""
    path = environment.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        out.settimeout(1.0)
        out.sendto(text.encode(), address)


def watchdog_s(environment: Mapping[str, str] = os.environ) -> float:
    """How often to say that we live: half of what the manager allows; 0 where it does not ask."""
    text = environment.get("WATCHDOG_USEC", "")
    ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(text) / 2e6 if ours and text.isascii() and text.isdecimal() else 0.0
