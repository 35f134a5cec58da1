"""`python -m trimtab.agent`, or `trimtab-agent`: the agent of this host, until SIGTERM or SIGINT.

    run                  the default. SIGHUP: read agent.json and register.d anew; a file that is no good changes nothing,
                         and a start with one begins with the last good one, where there is one
    split SERVICE POOL=SHARE…   move the shares of a split of this host's proxy, at its site
    drain | maint | ready    take this host out of every pool that it serves, or back into them, and return.
                         --force --reason WHY: over what others said, over what the arbiter lets a person overrule, and
                         where nobody can be asked

Exit codes: 0 done, 2 bad input, 1 or 3 as the errors of `trimtab.errors` have them.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import gc
import getpass
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path

from trimtab.agent.agent import Agent
from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.paths import Paths
from trimtab.agent.runtime.sd_notify import notify, watchdog_s
from trimtab.agent_config import AgentFile, dump, load
from trimtab.drivers.files import write_atomically
from trimtab.errors import BadInput, EnvironmentUnable, TrimtabError

MAX_BYTES = 16 * 1024 * 1024
# A reading of all servers of a large proxy makes 20,000 objects and no cycle; by default the collector looks each 700.
COLLECT_EACH = (50_000, 10, 10)
OVERRIDES = ("drain", "maint", "ready")  # of `host_override`


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code. arguments: without the program's name; None: those of the process."""
    said = _parser().parse_args(arguments)
    paths = Paths().under(said.root) if said.root else Paths()
    log = Log()
    if said.what != "run":
        return _override_host(paths, said)
    try:
        with alone(paths.lock):
            gc.set_threshold(*COLLECT_EACH)
            _watch_children()
            asyncio.run(serve(paths, log))
    except TrimtabError as error:
        log.error("stopped", why=error.message, hint=error.hint)
        return error.exit_code
    log.info("ended")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="trimtab-agent", description="The agent of this host.")
    parser.add_argument("what", nargs="?", default="run", choices=("run", "split", *OVERRIDES))
    parser.add_argument("words", nargs="*", help="of split: its service, then POOL=SHARE for each pool")
    parser.add_argument("--reason", default="", help="why: it is kept with the change")
    parser.add_argument(
        "--force", action="store_true", help="over the words of others, and of the arbiter; needs --reason"
    )
    parser.add_argument("--root", type=Path, help="everything below another root than /")
    return parser


def read(path: Path) -> AgentFile:
    """Raises BadInput."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES} bytes")
        return load(content.decode())
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path}: {error}", "`trimtab build` renders it") from error


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Two agents on one state would undo each other's work. Raises EnvironmentUnable."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise EnvironmentUnable(
            f"{path}: {error.strerror}", "the agent needs a place for its state"
        ) from error
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise EnvironmentUnable(
            f"{path} is held", "another agent runs on this host; stop it first"
        ) from error
    finally:
        os.close(number)


def good(paths: Paths) -> Path:
    """The last file that an agent began with."""
    return paths.state / "agent.json.good"


async def serve(paths: Paths, log: Log) -> None:
    """Until SIGTERM or SIGINT. Raises BadInput for a file that is no good where there is no last good one."""
    signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(each, signals.put_nowait, each)
    asyncio.get_running_loop().set_exception_handler(
        lambda _, found: log.error("unhandled", why=found.get("exception") or found.get("message"))
    )
    agent = _first(paths, log)
    _begin(agent)
    file = agent.file
    log.info(
        "begun",
        host=file.host,
        proxy=file.proxy.engine if file.proxy else "",
        registry=file.registry is not None,
    )
    notify("READY=1")
    watchdog = asyncio.create_task(_watchdog(watchdog_s()))
    while await signals.get() == signal.SIGHUP:
        agent = await _anew(agent, paths, log)
    notify("STOPPING=1")
    watchdog.cancel()
    await agent.end()


def _first(paths: Paths, log: Log) -> Agent:
    """For agent.json; for the last good one where that is no good. One that is gone was taken away. Raises BadInput."""
    try:
        return Agent(read(paths.file), paths, log)
    except TrimtabError as error:
        if not paths.file.exists():
            raise
        try:
            agent = Agent(read(good(paths)), paths, log)
        except TrimtabError:
            raise error from None
        log.error("the file is refused, begun with the last good one", why=error.message)
        _refuse(agent, error.message)
        return agent


def _begin(agent: Agent) -> None:
    agent.begin()
    try:
        write_atomically(good(agent.paths), dump(agent.file).encode())
    except OSError as error:
        agent.log.warning("the good file is not kept", why=str(error))


def _refuse(agent: Agent, why: str) -> None:
    """Why the file is not in force, "" where it is: for the status and the metric."""
    agent.status.bad_file = why
    if why:
        agent.metrics.actions_refused.labels("bad_file").inc()


async def _anew(agent: Agent, paths: Paths, log: Log) -> Agent:
    """The agent for the file as it is now; the old one where that is the same, or no good."""
    try:
        file = read(paths.file)
        if file == agent.file:
            _refuse(agent, "")
            agent.look_again()
            return agent
        fresh = Agent(file, paths, log)
    except TrimtabError as error:
        log.error("the new file is refused, the old one holds", why=error.message)
        _refuse(agent, error.message)
        agent.changed()
        return agent
    await agent.end()
    _begin(fresh)
    log.info("begun anew", host=file.host)
    return fresh


async def _watchdog(every: float) -> None:
    while every:
        notify("WATCHDOG=1")
        await asyncio.sleep(every)


def _watch_children() -> None:
    """Probes are short programs: Python 3.11 would start a thread for each."""
    if sys.version_info < (3, 12):
        with suppress(OSError):
            asyncio.get_event_loop_policy().set_child_watcher(asyncio.PidfdChildWatcher())


def _override_host(paths: Paths, said: argparse.Namespace) -> int:
    """For people and deployments: plain words."""
    try:
        return _write_override(paths, said)
    except TrimtabError as error:
        sys.stderr.write(f"{error.message}\n" + (f"    {error.hint}\n" if error.hint else ""))
        return error.exit_code


def _write_override(paths: Paths, said: argparse.Namespace) -> int:
    from trimtab.agent.host_override import do, who_here
    from trimtab.registry.engines import connect

    file = read(paths.file)
    if file.registry is None:
        raise BadInput(f"{file.host} has no registry", "its site has no host with the role `registry`")
    access, asks = file.registry, file.asks if said.what in ("drain", "maint") else None
    who = who_here(file, os.environ.get("SUDO_USER") or getpass.getuser(), said.reason)

    async def put() -> str:
        async with AsyncExitStack() as stack:
            registry, store = connect(access), connect(asks.store) if asks else None
            for each in filter(None, (registry, store)):
                stack.push_async_callback(each.close)
            return await do(registry, file, said.what, said.words, who, paths.register, said.force, store)

    sys.stdout.write(f"{file.host}: {asyncio.run(put())}\n")
    return 0
