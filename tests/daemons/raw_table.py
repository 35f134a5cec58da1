"""The raw speaker with a big table: tells it as fast as the router takes it, and measures what that costs. Standard library only."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from tests.daemons import raw_speaker as bgp

ROUTES = 100_000
A_MESSAGE = 900  # prefixes; 4 octets each, in a message of at most 4096
QUIET_S = 12.0  # longer than `error wait time` and `connect retry time` together
ASKED = (
    "show protocols",
    "show protocols all",
    "show protocols all",
    "show bfd sessions",
)  # as agent/site/sessions.py


def prefixes() -> list[bytes]:
    """/24s from 50.0.0.0 on, each in the form of an NLRI."""
    return [b"\x18" + struct.pack("!I", (50 << 24) + (n << 8))[:3] for n in range(ROUTES)]


def updates() -> list[bytes]:
    told = prefixes()
    return [bgp.update(bgp.GOOD, b"".join(told[at : at + A_MESSAGE])) for at in range(0, ROUTES, A_MESSAGE)]


def routes() -> int:
    for line in bgp.ask("show route count protocol up_isp4 table wan4").splitlines():
        if "routes" in line:
            return int(line.split()[0])
    return 0


def busy_ms(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))


def question(command: str) -> None:
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(bgp.CONTROL)
        control.recv(2**16)
        control.sendall(command.encode() + b"\n")
        said = b""
        while not said.endswith(b"\n") or said.rsplit(b"\n", 2)[-2][:5] not in (b"0000 ", b"0013 "):
            said += control.recv(2**16)


def asked(pid: int, rounds: int = 20) -> dict[str, float]:
    """A round of the agent's questions: how long, and what it costs BIRD."""
    began, busy = time.monotonic(), busy_ms(pid)
    for _ in range(rounds):
        for command in ASKED:
            question(command)
    return {
        "round_ms": round((time.monotonic() - began) * 1000 / rounds, 2),
        "bird_ms": round((busy_ms(pid) - busy) / rounds, 2),
    }


def knocked(seconds: float) -> int:
    """How often the router lets nobody in."""
    refused, ends = 0, time.monotonic() + seconds
    while time.monotonic() < ends:
        with socket.socket() as link:
            link.settimeout(1)
            link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                link.bind((bgp.OURS, 0))
                link.connect((bgp.THEIRS, 179))
                link.sendall(bgp.open_())
                while chunk := link.recv(2**12):
                    if len(chunk) > 18 and chunk[18] == bgp.OPEN:
                        raise SystemExit("never: the router lets it in again")
            except OSError:
                pass
            refused += 1
        time.sleep(1)
    return refused


def main() -> None:
    pid = int(subprocess.check_output(["cat", "/run/bird.pid"]))
    session = bgp.connect()
    found: dict[str, object] = {"asked_before": asked(pid), "memory_before_mb": memory_mb(pid)}
    session.link.settimeout(0.001)
    began, busy = time.monotonic(), busy_ms(pid)
    for each in updates():
        session.link.settimeout(5)
        session.say(each)
        session.link.settimeout(0.001)
        session.turn()
        if session.ended is not None:
            break
    while session.ended is None and routes() < ROUTES and time.monotonic() - began < 90:
        session.turn()
        time.sleep(0.02)
    found |= {"in_table_s": round(time.monotonic() - began, 2), "bird_ms": round(busy_ms(pid) - busy)}
    states = [bgp.show_protocols()]
    if session.ended is None:
        found |= {"asked_after": asked(pid)}
        began = time.monotonic()
        while session.ended is None and time.monotonic() - began < QUIET_S:
            session.turn()
    else:
        session.link.close()
        found["refused"] = knocked(QUIET_S)
        states.append(bgp.show_protocols())
    found |= {
        "memory_after_mb": memory_mb(pid),
        "routes": routes(),
        "ended": session.ended,
        "protocols": states,
    }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    sys.exit(main())
