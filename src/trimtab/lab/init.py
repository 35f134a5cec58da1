"""The init of a twin: the one process, alone in fresh namespaces, that every machine of the twin hangs from.

Started by guardian.py under tini. It ends when told to, when its standard input does (the guardian has died), or when
the twin cannot be built; with it ends the pid namespace, so nothing is left to clean up here.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
from pathlib import Path

from trimtab import codec
from trimtab.errors import TrimtabError, TwinFailed
from trimtab.lab.control import Control
from trimtab.lab.priority import Asker
from trimtab.lab.topology import Topology
from trimtab.lab.twin import Twin

FILES = 65536  # open files the owner may need: a few for each process it watches


def main(argv: list[str]) -> int:
    """argv: the state folder, time.monotonic() at which the start was asked for, the pid of the guardian, its socket (priority.py)."""
    path, began, guardian, priority = Path(argv[0]), float(argv[1]), int(argv[2]), Asker(int(argv[3]))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    soft = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    os.umask(0o022)
    disks = path / "disks"
    disks.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(disks)], check=True)
    asyncio.run(_own(path, began, guardian, priority))
    return 0


async def _own(path: Path, began: float, guardian: int, priority: Asker) -> None:
    loop = asyncio.get_running_loop()
    loop.add_reader(0, lambda: os.read(0, 64) or os._exit(1))
    started: asyncio.Future[None] = loop.create_future()
    twin = Twin(codec.loads(Topology, (path / "topology.json").read_text()), path, guardian, began, priority)
    control = Control(twin, started)
    server = await control.serve(path)
    building = asyncio.create_task(_build(twin, started))
    await control.ended.wait()
    building.cancel()
    server.close()
    await asyncio.sleep(0)  # the answer to `down` is on its way


async def _build(twin: Twin, started: asyncio.Future[None]) -> None:
    """A failure is told to whoever waits for readiness."""
    try:
        await twin.start()
        started.set_result(None)
    except TrimtabError as error:
        started.set_exception(error)
    except OSError as error:
        started.set_exception(TwinFailed(f"the twin could not be built: {error}"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
