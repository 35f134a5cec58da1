"""An echo by ICMP: RFC 792 for IPv4, RFC 4443 (4.1, 4.2) for IPv6.

Linux has two sockets for it. One for datagrams needs no capability but the group range `net.ipv4.ping_group_range`; the
kernel puts the socket's port in the place of the identifier and gives it only its own replies. A raw one needs
CAP_NET_RAW and sees every ICMP packet of the other end, IPv4 with its IP header: so each reply is recognised by its
identifier, its sequence number and a token that nobody else knows.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
from dataclasses import dataclass
from ipaddress import ip_address

from trimtab.daemons.front.ask import answered
from trimtab.daemons.front.judge import Answer

_HEAD = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence number
_TYPES = {4: (8, 0), 6: (128, 129)}  # of a request, of a reply
_TOKEN = 16  # bytes
_MOST = 2048  # bytes of a packet that are read; a reply has 84 at most
_FAMILY = {4: (socket.AF_INET, socket.IPPROTO_ICMP), 6: (socket.AF_INET6, socket.IPPROTO_ICMPV6)}


@dataclass(frozen=True, slots=True)
class Echo:
    """version: 4 or 6.  identifier, sequence: 0 to 65535."""

    version: int
    identifier: int
    sequence: int
    token: bytes

    def request(self) -> bytes:
        """The message; of IPv6 the kernel writes the checksum, which counts the addresses too (RFC 4443, 2.3)."""
        kind = _TYPES[self.version][0]
        plain = _HEAD.pack(kind, 0, 0, self.identifier, self.sequence) + self.token
        if self.version == 6:
            return plain
        return _HEAD.pack(kind, 0, checksum(plain), self.identifier, self.sequence) + self.token

    def answered_by(self, message: bytes) -> bool:
        """Whether this ICMP message, without an IP header, is the reply. A raw socket is given broken ones of IPv4 too."""
        if len(message) != _HEAD.size + len(self.token) or (self.version == 4 and checksum(message)):
            return False
        kind, code, _, identifier, sequence = _HEAD.unpack_from(message)
        wanted = (_TYPES[self.version][1], 0, self.identifier, self.sequence)
        return (kind, code, identifier, sequence) == wanted and message[_HEAD.size :] == self.token


def checksum(data: bytes) -> int:
    """RFC 1071: 0 for a message that has the right one in it."""
    even = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(even) // 2}H", even))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def without_ip(packet: bytes) -> bytes:
    """What follows the header of an IPv4 packet; b"" for what is none."""
    length = (packet[0] & 15) * 4 if packet and packet[0] >> 4 == 4 else 0
    return packet[length:] if length >= 20 else b""


async def ping(address: str, limit_s: float) -> Answer:
    """One echo. address: literal, IPv4 or IPv6.  limit_s: seconds. `unable` where the host may not."""
    return await answered("icmp", address, limit_s, lambda: _echoed(address))


async def _echoed(address: str) -> str:
    version = ip_address(address).version
    with _open(version) as sock:
        sock.setblocking(False)
        sock.connect((address, 0))  # replies of others stay away
        raw = sock.type == socket.SOCK_RAW
        identifier = secrets.randbelow(65536) if raw else int(sock.getsockname()[1])
        echo = Echo(version, identifier, 1, secrets.token_bytes(_TOKEN))
        sock.send(echo.request())
        while True:
            if echo.answered_by(await _message(sock, raw and version == 4)):
                return ""
            await asyncio.sleep(0)  # a flood must not keep the limit from being noticed


async def _message(sock: socket.socket, headed: bool) -> bytes:
    packet = await asyncio.get_running_loop().sock_recv(sock, _MOST)
    return without_ip(packet) if headed else packet


def _open(version: int) -> socket.socket:
    """Raises PermissionError where neither kind is permitted."""
    family, protocol = _FAMILY[version]
    try:
        return socket.socket(family, socket.SOCK_DGRAM, protocol)
    except PermissionError:
        pass
    try:
        return socket.socket(family, socket.SOCK_RAW, protocol)
    except PermissionError as error:
        raise PermissionError("not permitted: it takes CAP_NET_RAW, or net.ipv4.ping_group_range") from error
