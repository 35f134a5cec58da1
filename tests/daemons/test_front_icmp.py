"""Echoes: the messages to the byte, and real ones in a network namespace of the test's own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.registry.registry_kit import run
from trimtab.daemons.front import icmp
from trimtab.daemons.front.icmp import Echo, checksum, ping, without_ip
from trimtab.daemons.front.judge import Answer, judge

TOKEN = bytes(range(16))
V4, V6 = Echo(4, 0x1234, 1, TOKEN), Echo(6, 0x1234, 1, TOKEN)
HEADER = bytes.fromhex("4500002c0000000040010000c0000201c6336401")


def reply(echo: Echo, kind: int | None = None, code: int = 0, token: bytes | None = None) -> bytes:
    """As the other end sends it, the checksum of IPv4 right."""
    kind = {4: 0, 6: 129}[echo.version] if kind is None else kind
    numbers = echo.identifier.to_bytes(2, "big") + echo.sequence.to_bytes(2, "big")
    rest = numbers + (echo.token if token is None else token)
    plain = bytes([kind, code]) + b"\0\0" + rest
    sum_ = checksum(plain) if echo.version == 4 else 0
    return bytes([kind, code]) + sum_.to_bytes(2, "big") + rest


# ---- the messages


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("0001f203f4f5f6f7", 0x220D),  # RFC 1071, 3
        ("", 0xFFFF),
        ("ff", 0x00FF),  # odd: as if a zero followed
        ("ffff", 0),
        ("ffff0001", 0xFFFE),  # the carry comes round
    ],
)
def test_the_checksum(data: str, expected: int) -> None:
    assert checksum(bytes.fromhex(data)) == expected


def test_a_request_to_the_byte() -> None:
    token = "000102030405060708090a0b0c0d0e0f"
    assert V4.request().hex() == "0800ad8a12340001" + token
    assert V6.request().hex() == "8000000012340001" + token
    assert checksum(V4.request()) == 0


@pytest.mark.parametrize("echo", [V4, V6])
def test_its_reply_is_its_own(echo: Echo) -> None:
    assert echo.answered_by(reply(echo))


@pytest.mark.parametrize("echo", [V4, V6])
@pytest.mark.parametrize(
    "wrong",
    [
        lambda e: e.request(),  # what a raw socket on loopback sees first
        lambda e: reply(e, code=1),
        lambda e: reply(e, kind=3),
        lambda e: reply(Echo(e.version, e.identifier ^ 1, e.sequence, e.token)),
        lambda e: reply(Echo(e.version, e.identifier, e.sequence + 1, e.token)),
        lambda e: reply(e, token=bytes(16)),
        lambda e: reply(e, token=TOKEN[:15]),
        lambda e: reply(e, token=TOKEN + b"\0"),
        lambda e: reply(e, token=b""),
        lambda e: reply(e)[:7],
        lambda e: b"",
    ],
)
def test_other_messages_are_not(echo: Echo, wrong: Any) -> None:
    assert not echo.answered_by(wrong(echo))


def test_a_reply_of_the_other_family_is_not() -> None:
    assert not V4.answered_by(reply(V6)) and not V6.answered_by(reply(V4))


@given(st.integers(0, 23), st.integers(1, 255))
def test_one_changed_byte_is_noticed(place: int, change: int) -> None:
    for echo in (V4, V6):
        if echo.version == 6 and place in (2, 3):
            continue  # the kernel has judged that checksum
        broken = bytearray(reply(echo))
        broken[place] ^= change
        assert not echo.answered_by(bytes(broken))


@given(st.binary(max_size=100))
def test_noise_is_no_reply_and_raises_nothing(data: bytes) -> None:
    for echo in (V4, V6):
        assert not echo.answered_by(data)
        assert not echo.answered_by(without_ip(data))


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (HEADER + b"rest", b"rest"),
        (b"\x46" + HEADER[1:] + b"optnrest", b"rest"),  # with options
        (HEADER, b""),
        (b"\x44" + HEADER[1:] + b"rest", b""),  # a header that is too short
        (b"\x65" + HEADER[1:] + b"rest", b""),
        (b"\x4f" + HEADER[1:], b""),  # it says more than there is
        (b"", b""),
    ],
)
def test_the_ip_header_goes(packet: bytes, expected: bytes) -> None:
    assert without_ip(packet) == expected


# ---- real ones


@pytest.mark.parametrize("address", ["www.shop.example", "", "127.0.0.1:80"])
def test_what_is_no_address(address: str) -> None:
    assert judge(run(ping(address, 1.0)))[0] is None


def test_without_the_right_it_is_unable(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    class Forbidden(real):  # type: ignore[misc, valid-type]
        def __init__(
            self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None
        ) -> None:
            if proto in (socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6):
                raise PermissionError(1, "Operation not permitted")
            super().__init__(family, type, proto, fileno)

    async def asked() -> list[Answer]:
        monkeypatch.setattr(socket, "socket", Forbidden)
        return [await ping(address, 1.0) for address in ("127.0.0.1", "::1")]

    for answer in run(asked()):
        assert answer.how == "unable" and "CAP_NET_RAW" in answer.text


# In a namespace nothing of the machine is touched: its interfaces, its group range, its wish to answer echoes.
PROGRAM = """
import asyncio, json, os, subprocess, sys
from pathlib import Path
from trimtab.daemons.front.icmp import ping
from trimtab.daemons.front.ask import tcp

ADDRESSES = ("127.0.0.1", "::1")
said = {}

def note(name, ask, addresses=ADDRESSES, limit_s=10.0):
    async def all_of():
        return [(await ask(address, limit_s)).how for address in addresses]
    said[name] = asyncio.run(all_of())

def knob(path, text):
    Path("/proc/sys/net", path).write_text(text)

def connect(address, limit_s):
    return tcp(address, 9, limit_s)

OUTSIDE = ("198.51.100.1", "2001:db8::1")
note("no route, icmp", ping, OUTSIDE)
note("no route, tcp", connect, OUTSIDE)
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
knob("ipv4/ping_group_range", "1 0")
note("raw", ping)
for path in ("ipv4/icmp_echo_ignore_all", "ipv6/icmp/echo_ignore_all"):
    knob(path, "1")
note("ignored, raw", ping, limit_s=0.2)
os.seteuid(65534)
note("not permitted", ping)
os.seteuid(0)
knob("ipv4/ping_group_range", "0 65535")
os.setuid(65534)  # from here on without CAP_NET_RAW
note("ignored, datagram", ping, limit_s=0.2)
said["uid"] = os.getuid()
print(json.dumps(said))
"""
ANSWERED = PROGRAM.replace('knob(path, "1")', "pass")


def inside(program: str) -> dict[str, Any]:
    """What the program says, run as root of a network namespace of its own."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("a network namespace takes root, unshare and ip")
    argv = ["unshare", "--net", sys.executable, "-c", program]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    if "unshare failed" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_real_echoes_over_both_sockets_answered_and_not() -> None:
    answered, ignored = inside(ANSWERED), inside(PROGRAM)
    for found in (answered, ignored):
        assert found["uid"] == 65534
        assert found["no route, icmp"] == found["no route, tcp"] == ["unable", "unable"]
        assert found["raw"] == ["came", "came"]
        assert found["not permitted"] == ["unable", "unable"]
    assert answered["ignored, raw"] == answered["ignored, datagram"] == ["came", "came"]
    assert ignored["ignored, raw"] == ignored["ignored, datagram"] == ["silent", "silent"]


def test_a_flood_of_others_does_not_outlast_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packets are always there, so that nothing is ever waited for."""

    class Deaf(socket.socket):
        def connect(self, address: Any) -> None:
            """Nobody is there."""

        def send(self, data: Any, flags: int = 0) -> int:
            return len(data)

    async def flood(*_: Any) -> bytes:
        return b"x" * 24

    monkeypatch.setattr(icmp, "_open", lambda _: Deaf(socket.AF_INET, socket.SOCK_DGRAM))
    monkeypatch.setattr(icmp, "_message", flood)
    assert run(ping("192.0.2.1", 0.2)).how == "silent"
