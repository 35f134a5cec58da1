"""When the kernel of an upstream began to send a prefix another way, as it tells by netlink."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Collection

from _anycast.space import Machine

_LINE = re.compile(r"(Deleted )?(?:unicast )?([0-9a-f.:]+/\d+) .*?\bdev (\S+)")


class Ways:
    """prefix → the interface by which its best path leaves. Every change is counted, with the moment it was told."""

    def __init__(self, upstream: Machine) -> None:
        self._changed = threading.Condition()
        self._by: dict[str, str] = {}
        self.told: list[tuple[float, str, str]] = []
        self._process = upstream.popen("ip", "-o", "monitor", "route", stdout=subprocess.PIPE)
        for family in ("-4", "-6"):
            for line in upstream.run("ip", "-o", family, "route", "show", "proto", "bgp").splitlines():
                self._take(line)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._take(line)

    def _take(self, line: str) -> None:
        now = time.monotonic()
        if (found := _LINE.match(line.strip())) is None:
            return
        gone, prefix, interface = found.groups()
        with self._changed:
            if gone and self._by.get(prefix) != interface:
                return  # the old one of two is taken away after the new one came
            self._by[prefix] = "" if gone else interface
            self.told.append((now, prefix, self._by[prefix]))
            self._changed.notify_all()

    def moved(self, prefixes: Collection[str], to: str, seconds: float) -> float:
        """The moment at which the last of them came to leave by `to`. Raises RuntimeError."""

        def there() -> bool:
            return all(self._by.get(prefix) == to for prefix in prefixes)

        with self._changed:
            if not self._changed.wait_for(there, seconds):
                raise RuntimeError(f"after {seconds:g} s the ways are {self._by}, not all {to}")
            return max((at for at, prefix, _ in self.told if prefix in prefixes), default=time.monotonic())
