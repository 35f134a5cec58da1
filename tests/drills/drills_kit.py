"""What the drills' tests share: made-up requests and orders, a throwaway TLS server, a twin of one loopback."""

from __future__ import annotations

import asyncio
import datetime
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from trimtab.drills.history import Events, Expected, History, Order
from trimtab.drills.load.record import Row

FAULT = 103.0
END = 115.0
RATE = 100


def row(start: float, ok: bool = True, **other: Any) -> Row:
    """One request; a failing one fails by a time-out of 0.9 s and succeeds when tried again."""
    latency = 0.02 if ok else 0.9
    usual: dict[str, Any] = {
        "kind": "new", "family": 4, "service": "www", "start": start, "late": 0.0, "latency": latency,
        "total": latency if ok else 1.2, "ok": ok, "ok_after_retry": True, "attempts": 1 if ok else 2,
        "error": "" if ok else "timeout", "status": 200, "site": "hk", "backend": "hk-backend-1",
    }  # fmt: skip
    return Row(**{**usual, **other})


def reads(fails: Callable[[float], bool] = lambda at: False, **other: Any) -> tuple[Row, ...]:
    """RATE requests a second from 100 to END; `fails` gets the seconds since the fault."""
    times = [100.0 + number / RATE for number in range(int((END - 100.0) * RATE))]
    return tuple(row(at, not fails(round(at - FAULT, 6)), **other) for at in times)


def orders(quiet: tuple[float, float] = (0.0, 0.0), region: str = "asia") -> tuple[Order, ...]:
    """10 orders a second, acknowledged after 50 ms; those sent in `quiet` (since the fault) when it is over."""
    found = []
    for number in range(150):
        sent = 100.0 + number / 10
        waits = quiet[0] <= sent - FAULT < quiet[1]
        found.append(Order(f"k-{region}-{number}", sent, (FAULT + quiet[1] if waits else sent) + 0.05, "ok"))
    return tuple(found)


def history(**other: Any) -> History:
    """A run in which nothing went wrong, unless told otherwise: fault at 103, restored at 108, ready at 110."""
    placed = other.get("orders", {"asia": orders()})
    usual: dict[str, Any] = {
        "site": "hk",
        "events": Events(100.0, FAULT, 108.0, 110.0, END),
        "expected": Expected(RATE, 10),
        "reads": {"asia": reads(), "america": reads()},
        "orders": placed,
        "stored": {order.key: 1 for each in placed.values() for order in each},
    }
    return History(**{**usual, **other})


@dataclass
class Pki:
    """A CA certificate's file and a server's context for the names of the shop."""

    ca: Path
    server: ssl.SSLContext


def make_pki(folder: Path, names: Sequence[str] = ("www.shop.example", "api.shop.example")) -> Pki:
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = certificate("test CA", "test CA", ca_key.public_key(), ca_key, x509.BasicConstraints(True, None))
    san = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    leaf = certificate("shop", "test CA", key.public_key(), ca_key, san)
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    (folder / "leaf.pem").write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem", folder / "key.pem")
    return Pki(folder / "ca.pem", context)


def certificate(
    subject: str, issuer: str, public: Any, key: ec.EllipticCurvePrivateKey, extension: Any
) -> x509.Certificate:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    builder = (
        x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(public)
    )
    builder = (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
    )
    return builder.add_extension(extension, isinstance(extension, x509.BasicConstraints)).sign(
        key, hashes.SHA256()
    )


@dataclass
class TlsShop:
    """A TLS server on both loopbacks.

    mode: ok; reset: connections are cut; silent: they are held and then cut; 503.
    """

    port: int
    requests: int = 0
    connections: int = 0
    mode: str = "ok"
    answers_a_connection: int = 1_000_000
    peers: set[str] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.peers.add(writer.get_extra_info("peername")[0])
        try:
            for _ in range(self.answers_a_connection):
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                self.hosts.add(head.lower().partition(b"host: ")[2].partition(b"\r\n")[0].decode())
                if not await self.answer(writer, b"connection: close" in head.lower()):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    async def answer(self, writer: asyncio.StreamWriter, close: bool) -> bool:
        if self.mode == "silent":
            await asyncio.sleep(1.0)
        if self.mode in ("reset", "silent"):
            return False
        status = "503 Service Unavailable" if self.mode == "503" else "200 OK"
        fields = f"X-Site: hk\r\nX-Backend: b1\r\nConnection: {'close' if close else 'keep-alive'}\r\nContent-Length: 3"
        writer.write(f"HTTP/1.1 {status}\r\n{fields}\r\n\r\nok\n".encode())
        await writer.drain()
        return not close


@contextmanager
def tls_shop(pki: Pki) -> Iterator[TlsShop]:
    """Serve in a thread until the block ends."""
    loop = asyncio.new_event_loop()
    shop = TlsShop(0)
    started, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        first = await asyncio.start_server(shop.serve, "127.0.0.1", 0, ssl=pki.server)
        shop.port = first.sockets[0].getsockname()[1]
        second = await asyncio.start_server(shop.serve, "::1", shop.port, ssl=pki.server)
        started.set()
        await stop.wait()
        for server in (first, second):
            server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield shop
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=10)


PUT = """#!/bin/sh
while read -r key payload; do echo "$key $payload" >> "$1"; echo "$key ok"; done
"""
GET = """#!/bin/sh
touch "$1"; awk '{ n[$1]++ } END { for (k in n) print k, n[k] }' "$1"
"""


def ledger_scripts(folder: Path) -> dict[str, Any]:
    """A user's own ledger: two shell scripts and a file."""
    for name, text in (("put", PUT), ("get", GET)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    book = str(folder / "book")
    return {"service": "api", "put": [str(folder / "put"), book], "get": [str(folder / "get"), book]}


class LoopbackLab:
    """A twin that is this machine: nodes are local processes, a fault makes the TLS server reset for a moment."""

    def __init__(
        self, scratch: Path, shop: TlsShop, ca: Path, ledger: Mapping[str, Any] | None, outage: float = 0.3
    ) -> None:
        self.scratch, self.shop, self.ca, self.ledger, self.outage = scratch, shop, ca, ledger, outage
        self.started: list[subprocess.Popen[Any]] = []
        self.calls: list[str] = []

    def status(self) -> dict[str, Any]:
        targets = [
            {
                "service": name,
                "host": f"{name}.shop.example",
                "path": "/",
                "addresses": ["127.0.0.1", "::1"],
                "port": self.shop.port,
            }
            for name in ("www", "api")
        ]
        region = {
            "node": "clients",
            "nearest": "hk",
            "sources": {"4": ["127.0.0.1"], "6": []},
            "rtt_ms": {},
            "targets": targets,
        }
        site = {
            "hosts": ["hk-proxy-1"],
            "proxies": ["hk-proxy-1"],
            "front_unit": "haproxy.service",
            "vips": ["127.0.0.1"],
        }
        facts = {
            "estate": "shop", "engine": "haproxy", "sites": {"hk": site}, "regions": {"asia": region}, "ledger": self.ledger,
            "objectives": {"rto_s": 1.0, "write_rto_s": 5.0, "write_rpo": 0}, "ca": str(self.ca),
        }  # fmt: skip
        return {"hosts": [{"name": "hk-proxy-1", "powered": True}], "facts": facts}

    def popen(
        self, node: str, argv: Sequence[str], *, first: bool = False, **popen_kw: Any
    ) -> subprocess.Popen[Any]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        process = subprocess.Popen(argv, env={**os.environ, "PATH": path}, **popen_kw)
        self.started.append(process)
        return process

    def power_cut(self, nodes: Sequence[str]) -> float:
        self.calls.append("power_cut")
        at = time.monotonic()
        self.shop.mode = "reset"
        threading.Timer(self.outage, setattr, (self.shop, "mode", "ok")).start()
        return at

    def power_on(self, nodes: Sequence[str]) -> None:
        self.calls.append("power_on")

    def kill(self, node: str, unit: str, signal: str = "KILL") -> float:
        return time.monotonic() if signal == "CONT" else self.power_cut([node])

    def unit(self, node: str, unit: str, verb: str) -> None:
        self.calls.append(f"{verb} {unit}")

    def cut_cables(self, segments: Sequence[str]) -> float:
        self.calls.append("cut_cables")
        return self.power_cut(segments)

    def mend_cables(self, segments: Sequence[str]) -> None:
        self.calls.append("mend_cables")

    def wait_ready(self, timeout: float, on_wait: Callable[[list[str]], None] | None = None) -> float:
        self.calls.append("wait_ready")
        return 0.0
