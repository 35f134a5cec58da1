"""A client of HTTP/1 over TLS that shows what really came over the wire. Standard library only."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

CONTEXT = ssl._create_unverified_context()
Headers = Sequence[tuple[str, str]]


@dataclass
class Reply:
    """interim: the statuses before the last one.  arrivals: seconds after the request at which pieces of the body came."""

    status: int
    headers: Headers
    body: bytes
    interim: list[int] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def json(self) -> Any:
        return json.loads(self.body)


class Link:
    """One connection to the service. patience: seconds after which silence is the answer 0."""

    def __init__(self, address: str, name: str, patience: float = 15.0) -> None:
        self.name = name
        raw = socket.create_connection((address, 443), patience)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = CONTEXT.wrap_socket(raw, server_hostname=name)
        self.left = b""

    def close(self) -> None:
        self.socket.close()

    def send(
        self, method: str, target: str, headers: Headers = (), version: str = "1.1", host: str | None = None
    ) -> None:
        lines = [f"{method} {target} HTTP/{version}", *(f"{k}: {v}" for k, v in headers)]
        if host != "":
            lines.insert(1, f"Host: {host or self.name}")
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")

    def ask(self, method: str, target: str, headers: Headers = (), body: bytes = b"", **how: Any) -> Reply:
        sized = [("Content-Length", str(len(body)))] if body or method in ("POST", "PUT", "PATCH") else []
        try:
            self.send(method, target, [*headers, *sized], **how)
            with contextlib.suppress(OSError):  # who answers early need not read all of it
                self.socket.sendall(body)
            return self.reply(method)
        except (OSError, EOFError):
            return Reply(0, [], b"")

    def reply(self, method: str = "GET") -> Reply:
        began, interim = time.monotonic(), []
        while True:
            first, *lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            status = int(first.split(" ")[1])
            headers = [(k.lower(), v.strip()) for k, _, v in (line.partition(":") for line in lines)]
            if 100 <= status < 200 and status != 101:
                interim.append(status)
                continue
            break
        found = Reply(status, headers, b"", interim)
        if method != "HEAD" and status not in (101, 204, 304):
            pieces = []
            for piece in self.pieces(dict(headers)):
                found.arrivals.append(time.monotonic() - began)
                pieces.append(piece)
            found.body = b"".join(pieces)
        return found

    def pieces(self, headers: dict[str, str]) -> Iterator[bytes]:
        if "chunked" in headers.get("transfer-encoding", ""):
            while size := int(self.until(b"\r\n").split(b";")[0], 16):
                yield self.exactly(size)
                self.exactly(2)
            self.until(b"\r\n")
        elif "content-length" in headers:
            left = int(headers["content-length"])
            while left:
                piece = self.some(min(left, 1 << 20))
                left -= len(piece)
                yield piece
        else:
            with contextlib.suppress(EOFError, ssl.SSLEOFError):
                while True:
                    yield self.some(1 << 20)

    def until(self, mark: bytes) -> bytes:
        while mark not in self.left:
            self.left += self.more()
        found, _, self.left = self.left.partition(mark)
        return found

    def more(self) -> bytes:
        if not (piece := self.socket.recv(1 << 16)):
            raise EOFError
        return piece

    def some(self, most: int) -> bytes:
        if not self.left:
            self.left = self.more()
        piece, self.left = self.left[:most], self.left[most:]
        return piece

    def exactly(self, size: int) -> bytes:
        parts = []
        while size:
            parts.append(self.some(size))
            size -= len(parts[-1])
        return b"".join(parts)
