"""A BGP speaker of nothing but sockets, for messages that no honest daemon sends. Standard library only: it runs as a program beside
the router that it talks to, in another network namespace, on whatever Python is there.

It says UPDATEs that are broken in one place each, and asks the router's BIRD what it made of them. A line of JSON a case.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass

ASN, OURS, THEIRS = 64501, "198.51.100.9", "198.51.100.10"
CONTROL = "/run/bird/bird.ctl"
OPEN, UPDATE, NOTIFICATION, KEEPALIVE = 1, 2, 3, 4
MARKER = b"\xff" * 16
WAIT_S = 20.0
BY_ITSELF = 2
STEADY, VICTIM = "45.7.0.0/24", "45.66.0.0/24"


def message(kind: int, body: bytes = b"", length: int | None = None, marker: bytes = MARKER) -> bytes:
    return marker + struct.pack("!HB", length if length is not None else 19 + len(body), kind) + body


def open_(asn: int = ASN, role: int = 0) -> bytes:
    """role: RFC 9234, 0 is a provider."""
    capabilities = b"".join(
        bytes([code, len(value)]) + value
        for code, value in (
            (1, struct.pack("!HBB", 1, 0, 1)),
            (65, struct.pack("!I", asn)),
            (9, bytes([role])),
        )
    )
    options = bytes([2, len(capabilities)]) + capabilities
    fixed = struct.pack("!BHH4s", 4, asn, 9, socket.inet_aton(OURS))
    return message(OPEN, fixed + bytes([len(options)]) + options)


def net(prefix: str) -> bytes:
    address, length = prefix.split("/")
    return bytes([int(length)]) + socket.inet_aton(address)[: (int(length) + 7) // 8]


def attribute(flags: int, kind: int, value: bytes, length: int | None = None) -> bytes:
    return bytes([flags, kind, len(value) if length is None else length]) + value


ORIGIN = attribute(0x40, 1, b"\0")
PATH = attribute(0x40, 2, b"\x02\x01" + struct.pack("!I", ASN))
HOP = attribute(0x40, 3, socket.inet_aton(OURS))


def update(attributes: bytes, nlri: bytes, length: int | None = None) -> bytes:
    """length: of all attributes, where it shall be wrong."""
    stated = len(attributes) if length is None else length
    return message(UPDATE, struct.pack("!HH", 0, stated) + attributes + nlri)


def good(prefix: str) -> bytes:
    return update(ORIGIN + PATH + HOP, net(prefix))


BAD = net(VICTIM)
GOOD = ORIGIN + PATH + HOP
CASES = {
    "origin of two octets": update(attribute(0x40, 1, b"\0\0") + PATH + HOP, BAD),
    "origin that does not exist": update(attribute(0x40, 1, b"\x09") + PATH + HOP, BAD),
    "origin flagged optional": update(attribute(0xC0, 1, b"\0") + PATH + HOP, BAD),
    "no origin": update(PATH + HOP, BAD),
    "path segment longer than the attribute": update(
        ORIGIN + attribute(0x40, 2, b"\x02\x05" + struct.pack("!I", ASN)) + HOP, BAD
    ),
    "path segment of no kind": update(
        ORIGIN + attribute(0x40, 2, b"\x09\x01" + struct.pack("!I", ASN)) + HOP, BAD
    ),
    "path that begins with another AS": update(
        ORIGIN + attribute(0x40, 2, b"\x02\x01" + struct.pack("!I", 3320)) + HOP, BAD
    ),
    "no path": update(ORIGIN + HOP, BAD),
    "next hop of five octets": update(ORIGIN + PATH + attribute(0x40, 3, b"\xc6\x33\x64\x09\0"), BAD),
    "next hop that is ours": update(ORIGIN + PATH + attribute(0x40, 3, socket.inet_aton(THEIRS)), BAD),
    "no next hop": update(ORIGIN + PATH, BAD),
    "well-known attribute that nobody knows": update(GOOD + attribute(0x40, 77, b"\0"), BAD),
    "communities of five octets": update(GOOD + attribute(0xC0, 8, b"\0\0\0\0\0"), BAD),
    "large communities of eleven octets": update(GOOD + attribute(0xC0, 32, b"\0" * 11), BAD),
    "only to customers, of three octets": update(GOOD + attribute(0xC0, 35, b"\0\0\1"), BAD),
    "attribute longer than all attributes": update(GOOD + attribute(0xC0, 8, b"\0" * 4, 200), BAD),
    "aggregator of five octets": update(GOOD + attribute(0xC0, 7, b"\0" * 5), BAD),
    "atomic aggregate with a value": update(GOOD + attribute(0x40, 6, b"\0"), BAD),
    "optional attribute that nobody knows": update(GOOD + attribute(0xC0, 77, b"\0" * 9), BAD),
    "local preference from outside": update(GOOD + attribute(0x40, 5, b"\xff" * 4), BAD),
    "the same attribute twice": update(GOOD + attribute(0x40, 1, b"\x02"), BAD),
    "prefix that ends early": update(GOOD, b"\x18\x2d\x42"),
    "prefix of 33 bits": update(GOOD, b"\x21\x2d\x42\0\0\0"),
    "attributes longer than the message": update(GOOD, BAD, 4000),
    "withdrawn routes longer than the message": message(UPDATE, struct.pack("!HH", 900, 0)),
    "two MP_REACH": update(ORIGIN + PATH + attribute(0x80, 14, b"\0\x02\x01\0\0") * 2, b""),
    "a marker that is none": message(UPDATE, b"\0\0\0\0", marker=b"\xfe" * 16),
    "a message of 18 octets": message(UPDATE, b"\0\0\0\0", length=18),
    "a message of 65535 octets": message(UPDATE, b"\0\0\0\0", length=65535),
    "a message of no kind": message(99, b""),
}


@dataclass
class Session:
    """One connection. ended: what the router said at its end, code and subcode; (0, 0) where it said nothing."""

    link: socket.socket
    rest: bytes = b""
    ended: tuple[int, int] | None = None
    heard: int = 0
    told: float = 0.0

    def turn(self) -> None:
        """Hear what is there, and say a keepalive where one is due."""
        if time.monotonic() - self.told > 1:
            self.say(message(KEEPALIVE))
        try:
            chunk = self.link.recv(2**16)
        except TimeoutError:
            return
        except OSError:
            chunk = b""
        self.rest += chunk
        while len(self.rest) >= 19 and len(self.rest) >= (size := struct.unpack("!H", self.rest[16:18])[0]):
            one, self.rest = self.rest[:size], self.rest[size:]
            self.heard += one[18] == UPDATE
            if one[18] == NOTIFICATION:
                self.ended = (one[19], one[20])
        if not chunk and self.ended is None:
            self.ended = (0, 0)

    def say(self, what: bytes) -> None:
        self.told = time.monotonic()
        try:
            self.link.sendall(what)
        except OSError:
            self.ended = self.ended or (0, 0)


def ask(command: str) -> str:
    done = subprocess.run(
        ["birdc", "-s", CONTROL, *command.split()], capture_output=True, text=True, check=False
    )
    return done.stdout


def show_protocols() -> list[str]:
    """As the control socket says it, lines with codes."""
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(CONTROL)
        said = b""
        for command in (b"", b"show protocols\n"):
            control.sendall(command)
            while not re.search(rb"(?m)^\d{4} .*\n\Z", said):
                said += control.recv(2**16)
            said, whole = b"", said
    return whole.decode().splitlines()


def established(protocol: str = "up_isp4") -> bool:
    return "Established" in ask(f"show protocols {protocol}")


def connect() -> Session:
    """Until the session is up. The router is busy with its own attempts and may hang up on some."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        link = socket.socket()
        link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        link.settimeout(0.1)
        try:
            link.bind((OURS, 0))
            link.connect((THEIRS, 179))
        except OSError:
            link.close()
            time.sleep(0.1)
            continue
        session = Session(link)
        session.say(open_())
        while session.ended is None and time.monotonic() < deadline:
            session.turn()
            if established():
                return session
        link.close()
    raise SystemExit("never: the session of the raw speaker is up")


def taken(prefix: str) -> bool:
    return "up_isp4" in ask(f"show route {prefix} table wan4")


def until(session: Session, what: str, prefix: str) -> None:
    """Until the route is there or the session has ended."""
    deadline = time.monotonic() + WAIT_S
    while session.ended is None and not taken(prefix):
        session.turn()
        if time.monotonic() > deadline:
            raise SystemExit(f"never: {what}")


def judged(session: Session, number: int, case: str, bad: bytes) -> dict[str, object]:
    """What became of two good routes after a bad message about one of them."""
    session.say(good(STEADY) + good(VICTIM))
    until(session, f"{case}: good routes are taken", VICTIM)
    before = show_protocols()
    after = f"45.8.{number}.0/24"  # when this is there, the bad one has been read
    session.say(bad + good(after))
    until(session, f"{case}: judged", after)
    return {
        "case": case,
        "said": session.ended,
        "steady": taken(STEADY),
        "victim": ask(f"show route {VICTIM} table wan4 all") if taken(VICTIM) else "",
        "before": before,
        "protocols": show_protocols(),
    }


def main() -> None:
    """After the first few ends of the session it is put up at once, as the router waits longer after each."""
    session: Session | None = None
    ends = 0
    for number, (case, bad) in enumerate(CASES.items()):
        session = session or connect()
        print(json.dumps(judged(session, number, case, bad)), flush=True)
        if session.ended is not None:
            session.link.close()
            session = None
            ends += 1
            if ends > BY_ITSELF:
                ask("restart up_isp4")
    session = session or connect()
    session.say(good(STEADY))
    until(session, "the session comes back", STEADY)
    print(json.dumps({"case": "end", "protocols": show_protocols()}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
