"""A validator of the twin that speaks RTR 2, for estates that judge paths: Debian's StayRTR has no ASPA.

It runs by itself on a node, on Python alone: ADDRESS PORT FILE. FILE is an export as rpki-client writes it (`roas`, `aspas`), read
anew whenever it changes; who is connected is told so, and asks for the difference.

Source: draft-ietf-sidrops-8210bis. A PDU is version, type, a session or flags, the length of the whole, and what the type says.
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
NOTIFY, QUERY, RESET, RESPONSE, IPV4, IPV6, END, CACHE_RESET, ASPA = 0, 1, 2, 3, 4, 6, 7, 8, 11
HEADER = struct.Struct("!BBHI")
REFRESH_S, RETRY_S, EXPIRE_S, LOOK_S = 3600, 600, 7200, 0.2
LONGEST = 64 * 1024
Payloads = dict[str, tuple[int, bytes]]


def pdu(kind: int, code: int, body: bytes = b"") -> bytes:
    return HEADER.pack(VERSION, kind, code, HEADER.size + len(body)) + body


def payloads(said: dict[str, Any]) -> Payloads:
    """By what it is about: its type, and its body as it is announced."""
    found: Payloads = {}
    for each in said.get("roas", []):
        net, asn = ip_network(each["prefix"]), int(str(each["asn"]).removeprefix("AS"))
        longest = int(each.get("maxLength", net.prefixlen))
        body = bytes((1, net.prefixlen, longest, 0)) + net.network_address.packed + struct.pack("!I", asn)
        found[f"{net} {longest} {asn}"] = (IPV4 if net.version == 4 else IPV6, body)
    for each in said.get("aspas", []):
        customer, providers = int(each["customer_asid"]), sorted(map(int, each["providers"]))
        found[f"AS{customer}"] = (ASPA, struct.pack(f"!{1 + len(providers)}I", customer, *providers))
    return found


def announced(kind: int, body: bytes) -> bytes:
    """Of an ASPA the flag stands in the header."""
    return pdu(kind, 1 << 8 if kind == ASPA else 0, body)


def withdrawn(kind: int, body: bytes) -> bytes:
    """An ASPA goes by its customer alone."""
    return pdu(ASPA, 0, body[:4]) if kind == ASPA else pdu(kind, 0, b"\0" + body[1:])


def difference(before: Payloads, now: Payloads) -> bytes:
    gone = [withdrawn(*each) for name, each in before.items() if name not in now]
    return b"".join((*gone, *(announced(*each) for name, each in now.items() if before.get(name) != each)))


class Client:
    """One router. It is told what has changed since it last asked."""

    def __init__(self, there: socket.socket, file: Path, session: int) -> None:
        self._there, self._file, self._session = there, file, session
        self._before: Payloads | None = None
        self._seen, self._number = self._marks(), int(time.time()) % 2**31
        self._turn = threading.Lock()  # what is said at a change must not fall into an answer

    def serve(self) -> None:
        """Until it goes. Raises OSError."""
        threading.Thread(target=self._watch, daemon=True).start()
        while True:
            _, kind, code, length = HEADER.unpack(self._exactly(HEADER.size))
            if not HEADER.size <= length <= LONGEST:
                raise ConnectionError("no RTR")
            self._exactly(length - HEADER.size)
            if kind == QUERY and code != self._session:
                self._before = None  # what it has is another cache's
            if kind in (QUERY, RESET):
                self._answer(kind == QUERY)

    def _answer(self, rest: bool) -> None:
        """rest: it asks for what is new to it; to whom nothing has been said yet all is."""
        with self._turn:
            if rest and self._before is None:
                self._there.sendall(pdu(CACHE_RESET, 0))
                return
            before = self._before if rest and self._before is not None else {}
            now = payloads(json.loads(self._file.read_text(encoding="utf-8")))
            end = pdu(END, self._session, struct.pack("!IIII", self._serial(), REFRESH_S, RETRY_S, EXPIRE_S))
            self._there.sendall(pdu(RESPONSE, self._session) + difference(before, now) + end)
            self._before = now

    def _watch(self) -> None:
        """Whoever sees a change first, this or an answer, counts it; it is told here."""
        told = self._number
        while True:
            time.sleep(LOOK_S)
            try:
                with self._turn:
                    if self._serial() != told:
                        told = self._number
                        self._there.sendall(pdu(NOTIFY, self._session, struct.pack("!I", told)))
            except OSError:  # it has gone, or the file is being replaced
                if self._there.fileno() < 0:
                    return

    def _marks(self) -> tuple[int, int, int]:
        about = self._file.stat()
        return about.st_mtime_ns, about.st_ino, about.st_size

    def _serial(self) -> int:
        """It only ever grows, also where a file is put back that is older than the one in its place."""
        marks = self._marks()
        if marks != self._seen:
            self._seen, self._number = marks, (self._number + 1) % 2**31
        return self._number

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            chunk = self._there.recv(size - len(found))
            if not chunk:
                raise ConnectionError("it went away")
            found += chunk
        return found


def _guarded(there: socket.socket, file: Path, session: int) -> None:
    with there:
        try:
            Client(there, file, session).serve()
        except (
            OSError,
            ValueError,
            KeyError,
        ) as error:  # a file that is no export ends the session, as corrupt data do
            print(f"session ends: {error}", file=sys.stderr, flush=True)


def main() -> None:
    address, port, file = sys.argv[1:]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, int(port)), family=family) as listener:
        while True:
            there, _ = listener.accept()
            session = time.monotonic_ns() // 10**6 % 2**16
            threading.Thread(target=_guarded, args=(there, Path(file), session), daemon=True).start()


if __name__ == "__main__":
    main()
