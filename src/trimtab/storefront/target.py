"""The shop as its ledger commands see it from outside: URL, TLS, addresses, and a pool of connections."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from urllib.parse import urlsplit

from trimtab.storefront.connection import Connection, Peer, connect
from trimtab.storefront.pace import RoundTrip

RESOLVE_SECONDS = 5.0


class Target:
    """Connections to one https:// or http:// URL, ValueError for any other. SSL_CERT_FILE is honoured."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError(f"--url {url!r}: expected https://HOST[:PORT]")
        self.host = parts.hostname
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.tls = _trusting() if parts.scheme == "https" else None
        self.network = RoundTrip(guess=0.1)
        self._idle: list[Connection] = []
        self._addresses: list[str] = []
        self._resolved = -RESOLVE_SECONDS

    async def connection(self) -> tuple[Connection, bool]:
        """An open connection and whether it was used before. Raises OSError, TimeoutError among them."""
        while self._idle:
            idle = self._idle.pop()
            if not idle.closed_by_peer():
                return idle, True
            idle.close()
        address = await self._address()
        rtt = self.network.seconds
        try:
            peer = Peer(address, self.port, self.host, self.tls)
            opened = await connect(peer, max(0.25, 4 * rtt), 0.3 + 6 * rtt)
        except OSError:
            self._failed(address)
            raise
        self.network.measured(opened.connect_seconds)
        return opened, False

    def put_back(self, connection: Connection) -> None:
        """Keep it for the next request, if it can be."""
        if connection.reusable and len(self._idle) < 64:
            self._idle.append(connection)
        else:
            connection.close()

    def broken(self, connection: Connection) -> None:
        """It failed: its siblings lead to the same place, so all of them go."""
        connection.close()
        for idle in self._idle:
            idle.close()
        self._idle.clear()

    def close(self) -> None:
        for idle in self._idle:
            idle.close()
        self._idle.clear()

    async def _address(self) -> str:
        """The address in use, the names asked for again now and then; an old answer is better than none."""
        if time.monotonic() - self._resolved >= RESOLVE_SECONDS:
            self._resolved = time.monotonic()
            try:
                loop = asyncio.get_running_loop()
                found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
                fresh = list(dict.fromkeys(str(entry[4][0]) for entry in found))
            except OSError:
                fresh = []
            if fresh and set(fresh) != set(self._addresses):
                self._addresses = fresh
        if not self._addresses:
            self._resolved = -RESOLVE_SECONDS
            raise OSError(f"{self.host} has no address")
        return self._addresses[0]

    def _failed(self, address: str) -> None:
        """Try the other addresses first from now on."""
        if self._addresses and self._addresses[0] == address:
            self._addresses.append(self._addresses.pop(0))


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
