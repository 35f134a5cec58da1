"""On a host: new files in, judged, switched to, taken up and verified. `python -m trimtab.delivery.take` with the files as JSON
on its input; imports nothing that the agent's package lacks.

Killed anywhere it leaves the old set or the new one whole, and the next delivery does what is left.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.took import Moment
from trimtab.delivery import switch, took, trial
from trimtab.delivery.generations import Generations
from trimtab.delivery.switch import Actions, actions, difference, generation, joined
from trimtab.drivers.command import run
from trimtab.drivers.units import Manager, connect
from trimtab.errors import DaemonRefused, DriverError, TrimtabError

Step = Callable[[], Awaitable[str | None]]  # gives a unit that somebody has stopped

SYSCTL_S = 10.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """files: paths that differ from what the daemons ran by.  took: units that run by them now.  later: units whose own file
    changed, or which somebody has stopped: for them it holds from their next start.
    """

    generation: str
    files: tuple[str, ...] = ()
    took: tuple[str, ...] = ()
    later: tuple[str, ...] = ()


async def deliver(new: Sequence[Artifact], shelf: Generations, units: Manager) -> Delivered:
    """Raises DaemonRefused, and then the host runs by the files that it had; EnvironmentUnable, BadInput, DriverError."""
    with shelf.locked():
        was, old = _found(shelf, shelf.named("taken") or shelf.adopt(new))
        name = generation(new)
        if name == was == shelf.named("current"):
            shelf.sweep()
            return Delivered(name)
        wanted = joined(actions(old, new), actions(shelf.read(shelf.named("current")), new))
        changed = difference(old, new)
        shelf.put(new)
        _judge(shelf, new, name, {*changed.added, *changed.changed})
        stopped = await _switch(shelf, units, old, new, (was, name), wanted)
        paths = (*changed.added, *changed.changed, *changed.removed)
        running = tuple(unit for unit in wanted.touched if unit not in stopped)
        return Delivered(name, paths, running, tuple(dict.fromkeys((*wanted.later, *stopped))))


def _found(shelf: Generations, name: str) -> tuple[str, tuple[Artifact, ...]]:
    """The set by which the daemons run, and its name; where somebody wrote over a file by hand, what is there is in a set of
    its own. Afterwards every path leads into the current set.
    """
    known = {a.path: a for a in shelf.read(name)}
    found = tuple((known | {a.path: a for a in shelf.strays(known.values())}).values())
    if (found_name := generation(found)) != name:
        shelf.put(found)
        for link in ("taken", "current"):
            if shelf.named(link) == name:
                shelf.lead(link, found_name)
    shelf.link(known)
    return found_name, found


def _judge(shelf: Generations, new: Sequence[Artifact], name: str, paths: set[str]) -> None:
    """At the real paths, so the links are there already; those to files that only the new set has lead nowhere yet."""
    current = shelf.named("current")
    fresh = [a.path for a in new if a.path in paths and not shelf.at(a.path).exists()]
    if current == name:  # an interrupted delivery: it has been judged
        return
    shelf.link(fresh)
    try:
        trial.run(new, paths, shelf.home / name, shelf.home / current)
    except BaseException:
        shelf.sweep()
        raise


async def _switch(
    shelf: Generations,
    units: Manager,
    old: Sequence[Artifact],
    new: Sequence[Artifact],
    names: tuple[str, str],
    wanted: Actions,
) -> tuple[str, ...]:
    """Those that somebody has stopped."""
    was, name = names
    shelf.link(a.path for a in new)
    shelf.lead("current", name)
    try:
        done = [await step() for step in _steps(units, old, wanted)]
    except (DaemonRefused, DriverError) as error:
        shelf.lead("current", was)
        shelf.link(a.path for a in old)  # a unit that was disabled has lost its own
        said = await _back(units, new, actions(new, old))
        shelf.sweep()
        raise DaemonRefused(
            f"{error.message} {error.hint}".strip(), f"the host has its old files again{said}"
        ) from error
    shelf.lead("taken", name)
    shelf.sweep()
    return tuple(unit for unit in done if unit)


async def _back(units: Manager, was: Sequence[Artifact], wanted: Actions) -> str:
    """Run by the old files again, each that can; what cannot is told."""
    found = []
    for step in _steps(units, was, wanted):
        try:
            await step()
        except (DaemonRefused, DriverError) as error:
            found.append(error.message)
    return f", but {'; '.join(found)}" if found else ""


def _steps(units: Manager, old: Sequence[Artifact], wanted: Actions) -> list[Step]:
    """In this order. Raise DaemonRefused for a daemon that does not run by the new files, DriverError."""
    files = {a.path: a.content for a in old}
    reread: list[Step] = [units.reread] if wanted.reread else []
    stops: list[Step] = [partial(units.stop, unit) for unit in wanted.stop]
    return [
        *(partial(_load, path) for path in wanted.sysctl),
        *reread,
        *stops,
        *(reread if stops else []),
        *(partial(_tell, units, unit, wanted, files) for unit in wanted.touched),
    ]


async def _tell(units: Manager, unit: str, wanted: Actions, files: Mapping[str, str]) -> str:
    """The unit, where somebody has stopped it."""
    verb = switch.verb(unit, wanted, (await units.state([unit]))[unit].active)
    if verb is None:
        return unit
    since = Moment()
    if verb == "reload":
        took.prepare(unit, files)
    await {"start": units.start, "restart": units.restart, "reload": units.reload}[verb](unit)
    if found := await took.problem(unit, units, since, anew=verb != "reload"):
        raise DaemonRefused(found)
    return ""


async def _load(path: str) -> None:
    """Kernel settings; a key that this kernel has not is no reason to keep the old files."""
    await run(("sysctl", "-e", "-q", "-p", path), SYSCTL_S)


def main() -> int:
    """Prints a `Delivered` as JSON; exit as everywhere."""
    parser = argparse.ArgumentParser(prog="trimtab.delivery.take", description=__doc__)
    parser.add_argument("--supervisor", default="systemd", help="`systemd`, or `unix:PATH`")
    chosen = parser.parse_args()
    new = [Artifact(**entry) for entry in json.load(sys.stdin)]
    try:
        done = asyncio.run(deliver(new, Generations(), connect(chosen.supervisor)))
    except TrimtabError as error:
        print(json.dumps({"error": error.message, "hint": error.hint}))
        return error.exit_code
    print(json.dumps(asdict(done)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
