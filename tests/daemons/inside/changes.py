"""What changes while requests are under way: `changes.py ENGINE WHAT`. Prints JSON. Standard library only."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from asking import Link
from origin import Origin
from rows import MEMBERS, NAME, VIP, WS, ask, eventually, serve, start, tell

DRAIN_S = 4.0
SPARE = "10.1.81.10"
MEMBERSHIP = Path("/var/lib/trimtab/members.json")
RELOAD = {"haproxy": signal.SIGUSR2, "nginx": signal.SIGHUP}


def echoes(link: Link) -> bool:
    """A WebSocket that still does."""
    try:
        link.socket.sendall(b"\x81\x02hi")
        return link.exactly(4) == b"\x81\x02hi"
    except (OSError, EOFError):
        return False


def workers(process: subprocess.Popen[bytes]) -> set[str]:
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=False
    )
    return set(found.stdout.split())


def reload(engine: str, origin: Origin, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """A WebSocket, an upload and a download through a reload that keeps what is under way for DRAIN_S."""
    socket, upload, download = (Link(VIP, NAME) for _ in range(3))
    socket.send("GET", "/ws/1", WS)
    socket.reply()
    upload.send("POST", "/echo?reload", [("Content-Length", "400000")])
    upload.socket.sendall(b"x" * 200_000)
    download.send("GET", "/drip/3")
    eventually(lambda: origin.got.get("/echo?reload", 0) == 200_000)
    before = workers(process)
    process.send_signal(RELOAD[engine])
    began = time.monotonic()
    found: dict[str, Any] = {"reloaded": eventually(lambda: bool(workers(process) - before))}
    found["tunnel serves on"] = echoes(socket)
    time.sleep(1.5)
    upload.socket.sendall(b"x" * 200_000)
    found["upload"] = upload.reply("POST").json()["size"]
    found["download"] = download.reply().body.count(b"data:")
    found["tunnel ends"] = eventually(lambda: not echoes(socket), 3 * DRAIN_S)
    found["not before"] = time.monotonic() - began > DRAIN_S - 0.5
    found["old workers end"] = eventually(lambda: not workers(process) & before)
    return found


def by(path: str, cookie: str = "") -> tuple[str, list[str]]:
    """(the member that answered, the cookies that were set)."""
    reply = ask("GET", f"{path}/echo", [("Cookie", cookie)] if cookie else ())
    if reply.status != 200:
        return str(reply.status), []
    return reply.json()["by"], [each.partition(";")[0] for each in reply.all("set-cookie")]


def spare(engine: str, origin: Origin, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Every member goes, the spare serves, they come back: who came meanwhile, and who had been there before."""
    own, (mine, *_) = by("/cookie")
    origin.close(*MEMBERS)
    eventually(lambda: all(by(path)[0] == SPARE for path in ("/cookie", "/table")))
    found: dict[str, Any] = {"meanwhile": [by("/cookie", mine)[0], by("/table")[0]]}
    jar = [each for each in by("/cookie")[1] if not each.endswith("=")]
    found["cookies of the spare"] = jar
    serve(origin, MEMBERS)
    eventually(lambda: len({by("/cookie")[0] for _ in range(12)} & set(MEMBERS)) == len(MEMBERS))
    found["back by table"] = [eventually(lambda: by("/table")[0] != SPARE, 3), by("/table")[0] in MEMBERS]
    found["who came meanwhile"] = by("/cookie", "; ".join(jar))[0] in MEMBERS
    found["who had been there"] = {by("/cookie", mine)[0] for _ in range(6)} == {own}
    return found


def drain(*members: int) -> None:
    """What an operator wants, as the agent leaves it for the hook."""
    said = {
        "pools": {"web": {str(n): {"ready": False} for n in members}},
        "version": 1,
        "floors": {},
        "splits": {},
    }
    MEMBERSHIP.parent.mkdir(parents=True)
    MEMBERSHIP.write_text(json.dumps(said))


def last(engine: str, origin: Origin, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The others are drained, and the last member has a slow page."""
    readers = [threading.Thread(target=ask, args=("GET", f"/slow/6?{n}")) for n in range(9)]
    for each in readers:
        each.start()
    for each in readers:
        each.join()
    found = [ask("GET", "/echo") for _ in range(6)]
    return {
        "served": sorted({reply.status for reply in found}),
        "by": sorted({reply.json()["by"] for reply in found}),
    }


def main() -> None:
    engine, what = sys.argv[1:]
    if what == "last":
        drain(1, 2)
    origin, process = start(engine, [*MEMBERS, SPARE] if what == "spare" else MEMBERS)
    tell({"reload": reload, "spare": spare, "last": last}[what](engine, origin, process), process)


if __name__ == "__main__":
    main()
