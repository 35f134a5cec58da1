"""The guardian of a twin: lives in the machine's own namespaces, guards one init, and changes nothing there.

    starting process ── pipe ──► guardian (python -m trimtab.lab.guardian) ── pipe ──► janitor (sh, see launch.py)
                                   └── setpriv --pdeathsig KILL unshare --user --mount --net --pid …
                                         └── tini (PID 1) ── init (python -m trimtab.lab.init)

The starting process keeps the pipe open until the twin is ready and then writes KEEP into it. If the pipe ends
without that word, the twin goes. The guardian's death by any signal kills unshare (parent-death signal), which kills
tini, which ends the pid namespace and with it every process of the twin; the init also ends when its standard
input does. The guardian ends as soon as its child does. For the init it does what takes the machine's root (priority.py).
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from trimtab.lab.priority import Writer

KEEP = b"keep\n"
NAMESPACES = (
    "unshare", "--user", "--map-root-user", "--mount", "--net", "--pid", "--uts", "--ipc",
    "--fork", "--kill-child=KILL", "--mount-proc", "--propagation", "private", "--",
)  # fmt: skip


def main(argv: list[str]) -> int:
    """Guard one init until it ends, a signal comes, or the starting process gives up.

    argv: the state folder, whose lock we have inherited, and time.monotonic() at which the start was asked for.
    """
    path, began = Path(argv[0]), argv[1]
    wakeup = _signals_to_fd()
    (path / "owner.json").write_text(json.dumps({"name": path.name, "pid": os.getpid()}))
    asked, asker = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    numbers = [began, str(os.getpid()), str(asker.fileno())]
    init = [sys.executable, "-m", "trimtab.lab.init", str(path), *numbers]
    inner = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "--", *NAMESPACES, "tini", "--", *init],
        stdin=subprocess.PIPE,
        pass_fds=[asker.fileno()],
    )
    asker.close()
    _wait_for_end(inner, wakeup, Writer(asked))
    _kill(inner)
    shutil.rmtree(path, ignore_errors=True)
    return 0


def _signals_to_fd() -> int:
    """A file descriptor that becomes readable when a signal asks us to go."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(writer)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, lambda *_: None)
    return reader


def _wait_for_end(inner: subprocess.Popen[bytes], wakeup: int, nicer: Writer) -> None:
    ended = os.pidfd_open(inner.pid)
    watched = {0, wakeup, ended, nicer.fileno()}
    while True:
        ready = select.select(watched, [], [], nicer.again_s)[0]
        if wakeup in ready or ended in ready:
            return
        if nicer.fileno() in ready and not nicer.read():
            watched.discard(nicer.fileno())
        nicer.write()
        if 0 not in ready:
            continue
        if os.read(0, len(KEEP)) != KEEP:  # the starting process died or gave up
            return
        watched.discard(0)


def _kill(inner: subprocess.Popen[bytes]) -> None:
    """Kill PID 1 of the twin: the kernel reports its death only when every process of the twin is gone."""
    try:
        children = Path(f"/proc/{inner.pid}/task/{inner.pid}/children").read_text().split()
        for pid in children:
            os.kill(int(pid), signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):
        children = []
    if not children:  # unshare has not come that far, or is gone already
        inner.kill()
    inner.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
