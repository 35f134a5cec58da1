"""A site endpoint asked over TCP and HTTPS. Nothing is raised: what the world does becomes an `Answer`.

Whatever the other end does, a question is over within its limit, and at most MAX_HEAD bytes of a reply are looked at.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
import ssl
from collections.abc import Awaitable, Callable
from functools import lru_cache
from ipaddress import ip_address

from trimtab.daemons.front.judge import Answer, Probe, is_whole
from trimtab.drivers.http import TlsFiles
from trimtab.errors import DriverError

MAX_HEAD = 4096  # bytes of a reply that are looked at

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_PATH = re.compile(r"/[!-~]{0,2000}")
# What the way, or the other end, answered. Every other error is one of this host: no descriptors, no port, a firewall.
_THEIRS = frozenset(
    {errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETUNREACH, errno.ENONET, errno.ENOPROTOOPT, errno.EPROTO}
)


async def https(address: str, port: int, name: str, path: str, ca: str, limit_s: float) -> Answer:
    """GET `path` of the site `name`, whose certificate has to verify against `ca` (a PEM file, "" for the system's).

    address: literal, IPv4 or IPv6.  limit_s: seconds for the whole.
    """
    return await answered("https", address, limit_s, lambda: _reply(address, port, name, path, ca))


async def tcp(address: str, port: int, limit_s: float) -> Answer:
    """Whether a connection is taken. A kernel takes one for a process that hangs, too."""
    return await answered("tcp", address, limit_s, lambda: _taken(address, port))


async def answered(probe: Probe, address: str, limit_s: float, ask: Callable[[], Awaitable[str]]) -> Answer:
    """What `ask` brings within limit_s seconds, or why it brings nothing."""
    try:
        ip_address(address)  # a name would be looked up, in a thread that no limit ends
        async with asyncio.timeout(limit_s):
            return Answer(probe, "came", await ask())
    except TimeoutError:  # the kernel's own, too
        return Answer(probe, "silent", f"no answer within {limit_s:g} s")
    except ssl.SSLCertVerificationError as error:
        return Answer(probe, "nobody", f"the certificate does not verify: {error.verify_message}")
    except ssl.SSLError as error:
        return Answer(probe, "nobody", f"TLS: {error.reason or error}")
    except OSError as error:
        return _of_system(probe, address, error)
    except DriverError as error:  # the file `ca`
        return Answer(probe, "unable", error.message)
    except (ValueError, OverflowError) as error:  # an address, a name, a port that is none
        return Answer(probe, "unable", str(error))


def _of_system(probe: Probe, address: str, error: OSError) -> Answer:
    words = os.strerror(error.errno) if error.errno else str(error) or "closed without an answer"
    theirs = isinstance(error, ConnectionError) or error.errno in _THEIRS
    if error.errno == errno.ENETUNREACH and not _routed(address):
        return Answer(probe, "unable", f"this host has no route to {address}")
    return Answer(probe, "nobody" if theirs else "unable", words)


def _routed(address: str) -> bool:
    """Whether this host knows a way. "Network is unreachable" is also what a router says of a site that is gone, and that
    is a no; of a host without IPv6 it says nothing about the site. Connecting UDP asks the routes and sends nothing.
    """
    family = socket.AF_INET if ip_address(address).version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((address, 9))
    except OSError:
        return False
    return True


async def _taken(address: str, port: int) -> str:
    _, writer = await asyncio.open_connection(address, port)
    writer.transport.abort()
    return ""


async def _reply(address: str, port: int, name: str, path: str, ca: str) -> str:
    if _NAME.fullmatch(name) is None or _PATH.fullmatch(path) is None:
        raise ValueError(f"no name and path to ask for: {name[:80]!a}, {path[:80]!a}")
    context = _trust(ca).context()
    reader, writer = await asyncio.open_connection(
        address, port, ssl=context, server_hostname=name, limit=MAX_HEAD
    )
    asked = f"GET {path} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: trimtab-agent\r\nX-Trimtab-Ask: site\r\nConnection: close\r\n\r\n"
    try:
        writer.write(asked.encode("ascii"))
        return await _head(reader)
    finally:
        writer.transport.abort()  # closing may wait for a peer that does not read


@lru_cache(maxsize=16)
def _trust(ca: str) -> TlsFiles:
    """Kept, because reading the system's certificates takes longer than asking."""
    return TlsFiles(ca)


async def _head(reader: asyncio.StreamReader) -> str:
    """As much of the reply as has its final status line and fields. Raises ConnectionError for none at all."""
    head = ""
    while len(head) < MAX_HEAD and not is_whole(head):
        piece = await reader.read(MAX_HEAD - len(head))
        if not piece:
            break
        head += piece.decode("latin-1")
    if not head:
        raise ConnectionError("closed without an answer")
    return head
