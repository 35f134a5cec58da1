"""A cache that speaks RTR 2 (draft-ietf-sidrops-8210bis), as small as BIRD lets it be: Debian's StayRTR has no ASPA.

Runs by itself on a machine of a test: rtr_two.py ADDRESS PORT FILE. FILE: {"roas": [[prefix, longest, asn]], "aspas": {customer:
[provider]}}; it is read anew whenever it changes, and who is connected is told so.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from ipaddress import ip_network
from pathlib import Path
from typing import Any

VERSION = 2
NOTIFY, QUERY, RESET, RESPONSE, IPV4, IPV6, END, ASPA = 0, 1, 2, 3, 4, 6, 7, 11
SESSION = 7


def pdu(kind: int, code: int, body: bytes = b"") -> bytes:
    return struct.pack("!BBHI", VERSION, kind, code, 8 + len(body)) + body


def payloads(said: dict[str, Any]) -> dict[str, tuple[int, bytes]]:
    """By what it is about: its kind, and its body. Of an ASPA the flag (announce) stands in the header, and is not in it."""
    found = {}
    for prefix, longest, asn in said.get("roas", []):
        net = ip_network(prefix)
        body = bytes((1, net.prefixlen, longest, 0)) + net.network_address.packed + struct.pack("!I", asn)
        found[f"{prefix} {longest} {asn}"] = (IPV4 if net.version == 4 else IPV6, body)
    for customer, providers in said.get("aspas", {}).items():
        found[customer] = (ASPA, struct.pack(f"!{1 + len(providers)}I", int(customer), *providers))
    return found


def announced(kind: int, body: bytes) -> bytes:
    return pdu(kind, 1 << 8 if kind == ASPA else 0, body)


def withdrawn(kind: int, body: bytes) -> bytes:
    """An ASPA goes by its customer alone."""
    return pdu(ASPA, 0, body[:4]) if kind == ASPA else pdu(kind, 0, b"\0" + body[1:])


def difference(before: dict[str, tuple[int, bytes]], now: dict[str, tuple[int, bytes]]) -> bytes:
    gone = [withdrawn(*each) for name, each in before.items() if name not in now]
    return b"".join((*gone, *(announced(*each) for name, each in now.items() if before.get(name) != each)))


def exactly(there: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        chunk = there.recv(size - len(found))
        if not chunk:
            raise ConnectionError
        found += chunk
    return found


def serve(there: socket.socket, path: str) -> None:
    def changed() -> None:
        before = Path(path).stat().st_mtime_ns
        while True:
            time.sleep(0.1)
            now = Path(path).stat().st_mtime_ns
            if now != before:
                before = now
                there.sendall(pdu(NOTIFY, SESSION, struct.pack("!I", now // 10**6 % 2**31)))

    threading.Thread(target=changed, daemon=True).start()
    before: dict[str, tuple[int, bytes]] = {}
    while True:
        version, kind, _, length = struct.unpack("!BBHI", exactly(there, 8))
        exactly(there, length - 8)
        print("asked", version, kind, flush=True)
        if kind in (QUERY, RESET):
            serial = Path(path).stat().st_mtime_ns // 10**6 % 2**31
            now = payloads(json.loads(Path(path).read_text(encoding="utf-8")))
            end = pdu(END, SESSION, struct.pack("!IIII", serial, 3600, 600, 7200))
            there.sendall(pdu(RESPONSE, SESSION) + difference(before if kind == QUERY else {}, now) + end)
            before = now


def main() -> None:
    address, port, path = sys.argv[1:]
    with socket.create_server((address, int(port))) as listener:
        while True:
            there, _ = listener.accept()
            threading.Thread(target=guarded, args=(there, path), daemon=True).start()


def guarded(there: socket.socket, path: str) -> None:
    try:
        serve(there, path)
    except (ConnectionError, OSError):
        there.close()


if __name__ == "__main__":
    main()
