"""Who held which address when, of several hosts: what the kernel itself tells of every change (`ip monitor`), and a pure judge.

Reading every so often would miss a second owner between two looks.
"""

from __future__ import annotations

import ipaddress
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from trimtab.drills.node_exec import ask
from trimtab.drills.probes.vip import addresses
from trimtab.drills.scene import LabLike
from trimtab.errors import EnvironmentUnable

MONITOR = ("ip", "-o", "-ts", "monitor", "address")
_LINE = re.compile(r"^\[(\S+)\] (Deleted )?\d+: \S+\s+inet6? (\S+)", re.MULTILINE)


@dataclass(frozen=True, order=True, slots=True)
class Change:
    """at: seconds since the epoch.  held: it has the address from now on, or no more."""

    at: float
    node: str
    address: str
    held: bool


@dataclass(frozen=True, slots=True)
class Owned:
    """two: of addresses that two hosts held at once, in words.  moved: of those that went to another host."""

    two: tuple[str, ...]
    moved: tuple[str, ...]


def changes(node: str, text: str) -> list[Change]:
    """Of the output of MONITOR."""
    return [
        Change(datetime.fromisoformat(at).timestamp(), node, _plain(address), not deleted)
        for at, deleted, address in _LINE.findall(text)
    ]


def judge(first: Mapping[str, set[str]], seen: Iterable[Change], wanted: Iterable[str]) -> Owned:
    """first: what each host held to begin with.  wanted: the addresses that count."""
    two, moved = [], []
    held = {a: {node for node, its in first.items() if a in its} for a in map(_plain, wanted)}
    last = {a: next(iter(nodes)) for a, nodes in held.items() if len(nodes) == 1}
    two += [
        f"{a}: {', '.join(sorted(nodes))} from the beginning" for a, nodes in held.items() if len(nodes) > 1
    ]
    for change in sorted(seen):
        if (nodes := held.get(change.address)) is None:
            continue
        (nodes.add if change.held else nodes.discard)(change.node)
        if change.held and len(nodes) > 1:
            two.append(f"{change.address}: {', '.join(sorted(nodes))} at {change.at:.3f}")
        if change.held and last.setdefault(change.address, change.node) != change.node:
            moved.append(f"{change.address}: from {last[change.address]} to {change.node} at {change.at:.3f}")
            last[change.address] = change.node
    return Owned(tuple(two), tuple(moved))


class Watch:
    """`with Watch(lab, nodes) as watch: …` and then `watch.owned(addresses)`."""

    def __init__(self, lab: LabLike, nodes: Sequence[str]) -> None:
        self._lab, self._nodes = lab, tuple(nodes)
        self._files = {node: lab.scratch / f"owners-{node}" for node in nodes}
        self._running: list[subprocess.Popen[Any]] = []
        self._first: dict[str, set[str]] = {}
        self._last: dict[str, set[str]] = {}

    def __enter__(self) -> Watch:
        for node, path in self._files.items():
            with path.open("w") as file:
                self._running.append(self._lab.popen(node, MONITOR, stdout=file, stderr=subprocess.STDOUT))
        self._first = self._held()
        return self

    def __exit__(self, *error: object) -> None:
        self._last = self._held()
        for process in self._running:
            process.kill()
            process.wait()

    def owned(self, wanted: Sequence[str]) -> Owned:
        """Raises EnvironmentUnable where what was heard does not lead to what is there now."""
        seen = [change for node, path in self._files.items() for change in changes(node, _read(path))]
        for node in self._nodes:
            now = set(self._first[node])
            for change in sorted(each for each in seen if each.node == node):
                (now.add if change.held else now.discard)(change.address)
            if now & {*map(_plain, wanted)} != self._last[node] & {*map(_plain, wanted)}:
                raise EnvironmentUnable(f"{node}: the kernel told of other addresses than there are")
        return judge(self._first, seen, wanted)

    def _held(self) -> dict[str, set[str]]:
        return {node: addresses(ask(self._lab, node, ["ip", "-o", "addr"])) for node in self._nodes}


def _read(path: Path) -> str:
    return path.read_text(errors="replace")


def _plain(address: str) -> str:
    return str(ipaddress.ip_interface(address).ip)
