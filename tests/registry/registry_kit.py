"""What the registry's tests share: real etcd processes, certificates, servers that lie, waiting with deadlines."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trimtab.agent_config import RegistryAccess
from trimtab.errors import DriverError, Unreachable
from trimtab.registry.base import Batch, Reader, Snapshot

DEADLINE_S = 20.0
T = TypeVar("T")


def run(work: Coroutine[Any, Any, T], within: float = DEADLINE_S) -> T:
    async def main() -> T:
        async with asyncio.timeout(within):
            return await work

    return asyncio.run(main())


def access(
    *endpoints: str, prefix: str = "/trimtab/test", engine: str = "etcd", **more: str
) -> RegistryAccess:
    return RegistryAccess(engine, endpoints, prefix, **more)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_until(holds: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + DEADLINE_S
    while time.monotonic() < ends:
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError(f"not within {DEADLINE_S:g} s: {what}")


async def eventually(
    ask: Callable[[], Awaitable[T]], holds: Callable[[T], bool], what: str, within: float = DEADLINE_S
) -> T:
    """What `ask` gives, once it holds; an Unreachable on the way is a registry that is not there yet."""
    ends = time.monotonic() + within
    last: object = None
    while time.monotonic() < ends:
        try:
            found = await ask()
            if holds(found):
                return found
            last = found
        except Unreachable as error:
            last = error
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {within:g} s: {what}; last: {last}")


# ---- following a registry as its users do


async def follow(
    client: Reader, start: Snapshot, done: Callable[[dict[str, bytes]], bool]
) -> tuple[dict[str, bytes], list[Batch], list[DriverError]]:
    """Watch, and again after the last revision when it breaks, until the records are as wanted."""
    records, batches, breaks = dict(start.records), list[Batch](), list[DriverError]()
    after = start.revision
    while not done(records):
        try:
            async for batch in client.watch(after):
                batches.append(batch)
                after = batch.revision
                for name, value in batch.changes:
                    records.pop(name, None) if value is None else records.update({name: value})
                if done(records):
                    break
        except Unreachable as error:
            breaks.append(error)
            await asyncio.sleep(0.02)
    return records, batches, breaks


async def first(batches: AsyncIterator[Batch]) -> Batch:
    async for batch in batches:
        await batches.aclose()  # type: ignore[attr-defined]
        return batch
    raise AssertionError("a watch ended without an error")


# ---- etcd


@dataclass
class Member:
    """One etcd process on loopback. extra: more of its command line."""

    name: str
    folder: Path
    client_port: int
    peer_port: int
    cluster: str = ""
    extra: Sequence[str] = ()
    scheme: str = "http"
    tls: ssl.SSLContext | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.client_port}"

    @property
    def peer(self) -> str:
        return f"http://127.0.0.1:{self.peer_port}"

    def start(self) -> None:
        # a tenth of etcd's own times: an election is over in 0.2 s, and a lease may last 1 s
        argv = f"""etcd --name {self.name} --data-dir {self.folder}/{self.name} --logger zap --log-level error
            --listen-client-urls {self.url} --advertise-client-urls {self.url} --listen-peer-urls {self.peer}
            --initial-advertise-peer-urls {self.peer} --initial-cluster {self.cluster or f"{self.name}={self.peer}"}
            --heartbeat-interval 20 --election-timeout 200 --enable-grpc-gateway""".split()
        log = (self.folder / f"{self.name}.log").open("ab")
        with log:
            self.process = subprocess.Popen([*argv, *self.extra], stdout=log, stderr=log)

    def ready(self) -> None:
        def answers() -> bool:
            assert self.process is not None and self.process.poll() is None, self.log()
            try:
                return bool(self.post("/v3/kv/range", {"key": "YQ=="}))
            except OSError as error:
                return getattr(error, "code", 0) in (400, 401)  # authentication is enabled: it answers

        wait_until(answers, f"{self.name} answers: {self.log()}")

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """As somebody who knows nothing of our client."""
        request = urllib.request.Request(self.url + path, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=5, context=self.tls) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def log(self) -> str:
        return (self.folder / f"{self.name}.log").read_text()[-2000:]


@contextmanager
def etcd_cluster(folder: Path, count: int, **more: Any) -> Iterator[list[Member]]:
    """`count` members on free ports, which answer; each ends with the block."""
    if shutil.which("etcd") is None:
        pytest.fail("etcd is not installed: apt-get install etcd-server")
    members = [Member(f"m{n}", folder, free_port(), free_port(), **more) for n in range(count)]
    for member in members:
        member.cluster = ",".join(f"{each.name}={each.peer}" for each in members)
    try:
        for member in members:
            member.start()
        for member in members:
            member.ready()
        yield members
    finally:
        for member in members:
            member.kill()


# ---- a server that lies


Handler = Callable[[str, bytes], Awaitable[bytes] | bytes | None]


def answer(body: bytes | str, status: int = 200, fields: str = "") -> bytes:
    raw = body.encode() if isinstance(body, str) else body
    return f"HTTP/1.1 {status} x\r\nContent-Length: {len(raw)}\r\n{fields}\r\n".encode() + raw


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """URL of a server that writes what `handler` gives for (path, body), then reads on; None: silence."""
    tasks: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                size = int(head.partition("content-length:")[2].split("\r\n")[0])
                found = handler(head.split(" ")[1], await reader.readexactly(size))
                raw = await found if isinstance(found, Awaitable) else found
                if raw is None:
                    await reader.read()
                    return
                writer.write(raw)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# ---- certificates


@dataclass(frozen=True)
class Authority:
    """Makes certificates into a folder: `ca.pem`, and NAME.pem with NAME.key."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @staticmethod
    def at(folder: Path) -> Authority:
        folder.mkdir()
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test {folder.name}")])
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = _builder(name, name, key).add_extension(x509.BasicConstraints(True, None), True)
        builder = builder.add_extension(_signs(), True).add_extension(own, False)
        certificate = builder.sign(key, hashes.SHA256())
        (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return Authority(folder, key, certificate)

    def issue(self, name: str, common_name: str = "", dns: Sequence[str] = ()) -> tuple[str, str]:
        """For both ends: etcd's gateway shows its server's certificate as a client to itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        names = [x509.IPAddress(ip_address("127.0.0.1")), *map(x509.DNSName, dns)]
        alternative = x509.SubjectAlternativeName(names)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = _builder(subject, self.certificate.subject, key).add_extension(alternative, True)
        builder = builder.add_extension(issuer, False)
        certificate = builder.add_extension(x509.ExtendedKeyUsage(uses), False).sign(
            self.key, hashes.SHA256()
        )
        paths = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return str(paths[0]), str(paths[1])

    @property
    def ca(self) -> str:
        return str(self.folder / "ca.pem")


def _signs() -> x509.KeyUsage:
    """Python 3.13 refuses a CA that does not say so."""
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
