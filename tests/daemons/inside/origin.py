"""A small origin for the table of requests: every member of a pool in one process, on addresses of its own. Standard library
only, because it runs where the engines are. What a member does is the last part of the path: `…/stall/3` reads nothing for
three seconds. What it has seen is in `Origin`, for who asks questions.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

KEEPS_IDLE_S = 5.0  # as Node does
EVENT = "event"


@dataclass
class Origin:
    """asked: (method, target, address of the member) of every request.  dying: members that close without an answer.
    closed: who ended a kept connection, and after how many seconds of idleness.  got: bytes read of a body, by target.
    """

    asked: list[tuple[str, str, str]] = field(default_factory=list)
    dying: set[str] = field(default_factory=set)
    closed: list[tuple[str, float]] = field(default_factory=list)
    got: dict[str, int] = field(default_factory=dict)
    sockets: list[tuple[str, socket.socket]] = field(default_factory=list)

    links: list[tuple[str, socket.socket]] = field(default_factory=list)

    def listen(self, address: str, port: int) -> None:
        server = socket.create_server((address, port), backlog=256)
        self.sockets.append((address, server))
        threading.Thread(target=self._accept, args=(server, address), daemon=True).start()

    def close(self, *addresses: str) -> None:
        """These members are gone, with all their connections."""
        for address, each in self.sockets:
            if address in addresses:
                each.shutdown(socket.SHUT_RDWR)
                each.close()
        self.sockets = [each for each in self.sockets if each[0] not in addresses]
        for address, link in list(self.links):
            if address in addresses:
                with contextlib.suppress(OSError):
                    link.shutdown(socket.SHUT_RDWR)

    def times(self, method: str, target: str) -> int:
        return sum(1 for m, t, _ in self.asked if (m, t) == (method, target))

    def _accept(self, server: socket.socket, address: str) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = server.accept()
                self.links.append((address, link))
                threading.Thread(target=Serving(self, link, address).run, daemon=True).start()


class Serving:
    """One connection from the proxy."""

    def __init__(self, origin: Origin, link: socket.socket, address: str) -> None:
        self.origin, self.link, self.address = origin, link, address
        self.left = b""

    def run(self) -> None:
        with contextlib.suppress(OSError, ValueError), self.link:
            self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self.one():
                pass

    def one(self) -> bool:
        began = time.monotonic()
        self.link.settimeout(KEEPS_IDLE_S)
        try:
            head = self.until(b"\r\n\r\n")
        except TimeoutError:
            self.origin.closed.append(("member", time.monotonic() - began))
            return False
        except OSError:  # HAProxy resets what it does not need
            head = None
        if head is None:
            self.origin.closed.append(("proxy", time.monotonic() - began))
            return False
        self.link.settimeout(60)
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = [
            (name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)
        ]
        if target.endswith("/health"):
            return self.answer(b"ok")
        self.origin.asked.append((method, target, self.address))
        return self.serve(method, target, headers)

    def serve(self, method: str, target: str, headers: list[tuple[str, str]]) -> bool:
        found = dict(headers)
        *_, what, how = target.partition("?")[0].split("/")
        number = float(how) if how.replace(".", "", 1).isdigit() else 0.0
        if what == "die" and self.address in self.origin.dying:
            self.body(found, target)
            return False
        if what == "reject":
            self.link.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n")
            self.link.shutdown(socket.SHUT_WR)
            time.sleep(0.5)
            return False
        if what == "ws":
            return self.tunnel(found)
        if what == "stall":
            time.sleep(number)
        if found.get("expect"):
            self.link.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        size, digest = self.body(found, target)
        if what == "slow":
            time.sleep(number)
        if what == "events":
            return self.events(int(number), 0.3)
        if what == "drip":
            return self.events(int(number), 1.0)
        if what == "header":
            return self.answer(b"ok", [("Set-Cookie", "s=" + "x" * int(number))])
        if what == "down":
            return self.answer(b"0123456789abcdef" * (int(number) // 16), kind="application/octet-stream")
        if what == "json":
            return self.answer(b'{"k": 1}\n' * int(number), kind="application/json")
        if what == "says":
            extra = [("Server", "shop/1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Accel-Redirect", "/no"),
                     ("Location", "http://web/there"), ("Strict-Transport-Security", "max-age=1")]  # fmt: skip
            return self.answer(b"ok", extra)
        told = {
            "by": self.address,
            "method": method,
            "target": target,
            "headers": headers,
            "size": size,
            "sha": digest,
        }
        return self.answer(json.dumps(told).encode(), head=method == "HEAD")

    def body(self, found: dict[str, str], target: str) -> tuple[int, str]:
        digest, size = hashlib.sha1(), 0
        for piece in self.pieces(found):
            size += len(piece)
            digest.update(piece)
            self.origin.got[target] = size
        return size, digest.hexdigest()[:8]

    def pieces(self, found: dict[str, str]) -> Iterator[bytes]:
        if "chunked" in found.get("transfer-encoding", ""):
            while size := int((self.until(b"\r\n") or b"0").split(b";")[0], 16):
                yield self.exactly(size)
                self.exactly(2)
            self.until(b"\r\n")
            return
        left = int(found.get("content-length", 0))
        while left:
            piece = self.some(min(left, 65536))
            left -= len(piece)
            yield piece

    def tunnel(self, found: dict[str, str]) -> bool:
        if (
            found.get("upgrade", "").lower() != "websocket"
            or "upgrade" not in found.get("connection", "").lower()
        ):
            return self.answer(b"no upgrade asked for", status="400 Bad Request")
        key = found["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept}",
        ]
        self.link.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        while piece := self.some(4096):
            self.link.sendall(piece)
        return False

    def events(self, count: int, every: float) -> bool:
        self.link.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for number in range(count):
            self.link.sendall(f"data: {EVENT} {number}\n\n".encode())
            time.sleep(every)
        return False

    def answer(
        self, body: bytes, extra: Sequence[tuple[str, str]] = (), kind: str = "text/plain", head: bool = False,
        status: str = "200 OK",
    ) -> bool:  # fmt: skip
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in extra]
        self.link.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if head else body))
        return True

    def until(self, mark: bytes) -> bytes | None:
        while mark not in self.left:
            piece = self.link.recv(65536)
            if not piece:
                return None
            self.left += piece
        found, _, self.left = self.left.partition(mark)
        return found

    def some(self, most: int) -> bytes:
        if not self.left:
            self.left = self.link.recv(most)
            if not self.left:
                raise OSError("closed")
        piece, self.left = self.left[:most], self.left[most:]
        return piece

    def exactly(self, size: int) -> bytes:
        parts = []
        while size:
            parts.append(self.some(size))
            size -= len(parts[-1])
        return b"".join(parts)
