"""An RTR cache of nothing but sockets, that lies as it is told to. Standard library only: it runs as a program beside the router.

It is told by a file, a word: what it says to whoever asks, and again whenever the word changes (a Serial Notify, then the new word's
answer to what the router asks). `honest` is a list of three; see ANSWERS for the others.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import sys
import time
from ipaddress import ip_network
from pathlib import Path

NOTIFY, SERIAL_QUERY, RESET_QUERY, RESPONSE, V4, END, RESET, ERROR = 0, 1, 2, 3, 4, 7, 8, 10
SESSION, OTHER = 7, 9
ROAS = (("46.0.0.0/24", 24, 64500), ("46.0.2.0/24", 24, 174), ("46.1.0.0/16", 16, 64501))


def pdu(
    kind: int, code: int = SESSION, body: bytes = b"", version: int = 1, length: int | None = None
) -> bytes:
    return struct.pack("!BBHI", version, kind, code, length if length is not None else 8 + len(body)) + body


def roa(net: str, longest: int, asn: int, flags: int = 1) -> bytes:
    found = ip_network(net)
    return pdu(
        V4, 0, struct.pack("!BBBB4sI", flags, found.prefixlen, longest, 0, found.network_address.packed, asn)
    )


def end(serial: int, session: int = SESSION) -> bytes:
    return pdu(END, session, struct.pack("!IIII", serial, 3600, 600, 7200))


def answer(word: str, serial: int, whole: bool) -> bytes:
    """To a query. whole: it asked for the whole list. What has changed since the router asked last no honest one knows here, so
    that asks for the whole (RFC 8210, 5.9).
    """
    told = b"".join(roa(*each) for each in ROAS) if whole else b""
    gone = b"".join(roa(*each, 0) for each in ROAS)
    return {
        "honest": pdu(RESPONSE) + told + end(serial) if whole else pdu(RESET, 0),
        "silent": b"",
        "half": pdu(RESPONSE) + (roa(*ROAS[0]) if whole else roa(*ROAS[0], 0)),
        "session": pdu(RESPONSE, OTHER) + gone + end(serial, OTHER),
        "session-at-end": pdu(RESPONSE) + end(serial, OTHER),
        "length": pdu(RESPONSE) + pdu(V4, 0, bytes(12), length=7),
        "huge": pdu(RESPONSE) + pdu(V4, 0, bytes(12), length=2**31),
        "kind": pdu(RESPONSE) + pdu(99),
        "prefix": pdu(RESPONSE)
        + pdu(V4, 0, struct.pack("!BBBB4sI", 1, 60, 99, 0, bytes(4), 1))
        + end(serial),
        "unknown-withdrawn": pdu(RESPONSE) + roa("45.9.0.0/16", 16, 1, 0) + end(serial),
        "version": pdu(RESPONSE, version=7) + end(serial),
        "failed": pdu(ERROR, 1, struct.pack("!II", 0, 0)),
        "no-data": pdu(ERROR, 2, struct.pack("!II", 0, 0)),
        "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    }[word]


def serve(link: socket.socket, word: Path) -> None:
    """Until it goes away."""
    serial, said, rest = 1, word.read_text().strip(), b""
    while True:
        ready, _, _ = select.select([link], [], [], 0.05)
        now = word.read_text().strip()
        if now != said:
            serial, said = serial + 1, now
            if now == "honest":
                return
            link.sendall(pdu(NOTIFY, SESSION, struct.pack("!I", serial)))
        if not ready:
            continue
        chunk = link.recv(2**16)
        if not chunk:
            return
        rest += chunk
        while len(rest) >= 8 and len(rest) >= (size := struct.unpack("!I", rest[4:8])[0]):
            kind, rest = rest[1], rest[size:]
            if kind in (SERIAL_QUERY, RESET_QUERY):
                print(f"{time.strftime('%H:%M:%S')} asked {kind}, said {now}", file=sys.stderr, flush=True)
                link.sendall(answer(now, serial, kind == RESET_QUERY))


def main(address: str, port: str, word: str) -> None:
    with socket.create_server((address, int(port))) as listening:
        while True:
            link, _ = listening.accept()
            with contextlib.suppress(OSError):
                serve(link, Path(word))
            link.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
