"""One node: namespaces of its own, its disks, its files; boots, and loses power.

    unshare --net --pid --mount --uts ── sh (boot script) → tini, PID 1 of the node ── sleep

Inside: its own /proc, an empty /run, overlays on /etc, /var and /usr/local/lib, and an empty folder of its
own for each StateDirectory=, LogsDirectory= and CacheDirectory= of its units (what a package put there
belongs to users that the twin does not map). What a node writes lands on its disks, folders on the owner's
tmpfs, which outlive a power cut; /run does not. Unlike real disks they lose nothing that was written but not
yet synced.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_interface
from pathlib import Path

from trimtab.daemons.artifact import Artifact
from trimtab.delivery import systems
from trimtab.delivery.generations import FILES, LAID, describe
from trimtab.errors import BadInput, TwinFailed
from trimtab.lab import process, system
from trimtab.lab.topology import Node
from trimtab.lab.unit import Unit, parse

ROOT = ("root", "root.work", "new")  # of a disk: the overlay over another system
OVERLAYS = {"etc": "/etc", "var": "/var", "lib": "/usr/local/lib"}
# Of /var; on the lower side they may belong to a user that is not mapped, and then nothing could be made in them.
OWN_FOLDERS = {"cache": 0o755, "lib": 0o755, "log": 0o755, "spool": 0o755, "tmp": 0o1777}
UNIT_FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
# No name server and nobody else's names: a look-up that is not in /etc/hosts fails at once.
DEFAULT_FILES = {"/etc/resolv.conf": "", "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n"}
# Addresses are usable at once (no duplicate detection), and nobody waits for a router's advertisement.
QUIET_IPV6 = (
    ("net.ipv6.conf.all.accept_dad", "0"),
    ("net.ipv6.conf.default.accept_dad", "0"),
    ("net.ipv6.conf.default.router_solicitations", "0"),
)


class Machine:
    """A node made real. `pid` is its PID 1 in the owner's numbers, None without power."""

    def __init__(
        self,
        node: Node,
        disks: Path,
        scratch: Path,
        neighbours: Sequence[str] = (),
        lowers: Mapping[str, Path] | None = None,
    ) -> None:
        """neighbours: arguments of `ip neigh replace` for those that are known from the start.  lowers: what stands under
        a folder of OVERLAYS in the machine's place (lower.py).
        """
        self.node = node
        self._lowers = lowers or {}
        self.system = node.system  # it boots from
        self.programs = node.system  # it starts now; another than `system` where they were replaced in place
        self.neighbours = neighbours
        self.disk = disks / node.name
        self.scratch = scratch
        self.units = tuple(read_unit(node, name) for name in node.units)
        self.pid: int | None = None
        self._process: process.Child | None = None

    def check(self) -> None:
        """Raises BadInput for a file that a node cannot have; touches nothing."""
        for artifact in self.node.files:
            self._on_disk(artifact.path)

    def install(self) -> None:
        """Lay the node's files onto its empty disks. Raises BadInput for a path a node cannot have."""
        for name in (*OVERLAYS, *(f"{name}.work" for name in OVERLAYS), *ROOT):
            (self.disk / name).mkdir(parents=True)
        for name, mode in OWN_FOLDERS.items():
            (self.disk / "var" / name).mkdir()
            (self.disk / "var" / name).chmod(mode)
        for _, folder in self._folders():
            folder.mkdir(parents=True)
        files = {path: Artifact(path, text) for path, text in DEFAULT_FILES.items()}
        files["/etc/hostname"] = Artifact("/etc/hostname", f"{self.node.name}\n")
        for artifact in (files | {artifact.path: artifact for artifact in self.node.files}).values():
            target = self._on_disk(artifact.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(artifact.content, encoding="utf-8")
            target.chmod(artifact.mode)
        if delivered := [a for a in self.node.files if a.path in self.node.delivered]:
            laid = self._on_disk(LAID)
            laid.parent.mkdir(parents=True, exist_ok=True)
            laid.write_text(describe(delivered))

    async def boot(self) -> None:
        """Power on; the network is not there yet. Raises TwinFailed with what the boot script said."""
        reader, writer = os.pipe2(os.O_CLOEXEC)
        flags = ["--net", "--pid", "--mount", "--uts", "--fork", "--kill-child=KILL"]
        script = self.disk / "boot.sh"
        script.write_text(self._script())
        child = process.Child(["unshare", *flags, "sh", str(script)], output=writer)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            said = (await process.read_all(pipe, b"ok\n")).decode(errors="replace")
        if not said.endswith("ok\n"):
            raise TwinFailed(f"{self.node.name} did not boot: {said.strip() or await child.wait()}")
        self._process, self.pid = child, process.children(child.pid)[0]
        self.programs = self.system

    async def cut(self) -> None:
        """Everything in the node dies at once; returns when it is gone. Its ports must be down already."""
        if self._process and self.pid:
            pid, self.pid = self.pid, None
            process.send([pid], signal.SIGKILL)
            await self._process.wait()

    async def replace_programs(self, release: str) -> None:
        """Those of another system from now on, in place; "": its own again. Raises TwinFailed."""
        if self.pid is None:
            raise TwinFailed(f"{self.node.name} has no power")
        lines = system.off_lines()
        if release:
            lines += system.over_lines(systems.folder(release))
        reply = await process.ask(self.pid, ["sh", "-c", "\n".join(["set -e", *lines])], limit=30)
        if reply.code:
            raise TwinFailed(f"the programs of {self.node.name} could not be replaced: {reply.text.strip()}")
        self.programs = release

    def inside(self, path: str) -> Path:
        """How the owner sees `path` of the running node."""
        if self.pid is None:
            raise TwinFailed(f"{self.node.name} has no power")
        return Path(f"/proc/{self.pid}/root{path}")

    def read_units(self, known: Iterable[str]) -> list[Unit]:
        """The units of the running node as their files are now: the known ones, and those of ours that are new. Raises BadInput."""
        folder = self.inside(UNIT_FOLDERS[0])
        ours = self.inside(f"{FILES}/current{UNIT_FOLDERS[0]}")
        names = [*known, *(path.name for path in (sorted(ours.iterdir()) if ours.is_dir() else ()))]
        found = []
        for name in dict.fromkeys(names):
            path = ours / name if (ours / name).is_file() else folder / name
            if path.is_file() and not path.is_symlink():
                found.append(
                    parse(path.read_text(), name, path=f"{self.node.name}:{path.name}", host=self.node.name)
                )
        return found

    def _script(self) -> str:
        """The boot script.

        It starts in the scratch folder, to find it again when a mount has covered its path.
        """
        scratch, base, new = str(self.scratch), "", ""
        lines = ["set -e", f"cd {shlex.quote(scratch)}", f"hostname {self.node.name}"]
        if self.system:
            base, new = str(systems.folder(self.system)), f"{shlex.quote(str(self.disk))}/new"
            inner = "\n".join(system.boot_lines(Path(base), self.node.shares))
            lines.append(f"( cd {shlex.quote(str(self.disk))}\n{inner}\n)")
        else:
            lines.append("mount -t proc proc /proc")
        lines += self._disk_lines(base, new)
        if self.system or scratch.startswith(("/run/", "/var/", "/etc/", "/usr/local/lib/")):
            path = f"{new}{shlex.quote(scratch)}"
            lines += [f"mkdir -p {path}", f"mount --no-canonicalize --bind . {path}"]
        if self.system:
            lines += [f"cd {shlex.quote(str(self.disk))}", *system.leave_lines()]
        lines += sysctl_lines((*QUIET_IPV6, *self._sysctls(of_legs=False)))
        lines += ["cd /", "ip link set lo up", "echo ok", "exec tini -- sleep infinity >/dev/null 2>&1"]
        return "\n".join(lines)

    def _disk_lines(self, base: str, new: str) -> list[str]:
        """Shell: what the node keeps, over the system in the folder `base`, for the root in `new` (both "": the own one)."""
        lowers = {} if base else self._lowers
        overlays = [
            f"mount -t overlay overlay -o lowerdir={shlex.quote(str(lowers.get(path, base + path)))},"
            f"upperdir={name},workdir={name}.work {new}{path}"
            for name, path in OVERLAYS.items()
        ]
        seen = [path for path in self._visible() if any(path.startswith(f"{lower}/") for lower in lowers)]
        lines = [f"exec {n}<{shlex.quote(path)}" for n, path in enumerate(seen, 4)]
        lines.append(f"( cd {shlex.quote(str(self.disk))}; {'; '.join(overlays)} )")
        for n, path in enumerate(seen, 4):
            lines.append(
                f"mkdir -p {shlex.quote(path)} && mount --rbind /proc/self/fd/{n} {shlex.quote(path)}"
            )
        for path, folder in self._folders():
            inside = f"{new}{shlex.quote(path)}"
            lines += [f"mkdir -p {inside}", f"mount --bind {shlex.quote(str(folder))} {inside}"]
        return [*lines, f"mount -t tmpfs -o mode=755 tmpfs {new}/run", f"mkdir {new}/run/lock"]

    def _visible(self) -> list[str]:
        """What a node sees of this machine below a folder that is not its own: programs, the estate, other systems."""
        wanted = (*self.node.shares, str(system.PREFIX), str(system.OURS), str(systems.cache()))
        return [path for path in dict.fromkeys(wanted) if Path(path).is_dir()]

    async def configure_network(self) -> None:
        """Addresses and routes, once the fabric has given the node its interfaces. Raises TwinFailed."""
        if self.pid is None:
            raise TwinFailed(f"{self.node.name} has no power")
        plain, six = network_batches(self.node, self.neighbours)
        script = ["set -e", *sysctl_lines(self._sysctls(of_legs=True)), 'printf %s "$1" | ip -batch -']
        if six:
            script.append('printf %s "$2" | ip -6 -batch -')
        reply = await process.ask(self.pid, ["sh", "-c", "\n".join(script), "sh", plain, six], limit=30)
        if reply.code:
            raise TwinFailed(
                f"the network of {self.node.name} could not be set up: {reply.text.strip()[-500:]}"
            )

    def _sysctls(self, *, of_legs: bool) -> Iterable[tuple[str, str]]:
        legs = {leg.interface for leg in self.node.legs}
        return [
            (key, value) for key, value in self.node.sysctls if bool(legs & set(key.split("."))) is of_legs
        ]

    def _folders(self) -> list[tuple[str, Path]]:
        """(path in the node, folder on the disk) of every directory that a unit keeps; each once."""
        kept = [folder for unit in self.units for folder in (*unit.state, *unit.logs, *unit.cache)]
        return [
            (path, self.disk / "kept" / path.strip("/"))
            for path in dict.fromkeys(folder.path for folder in kept)
        ]

    def _on_disk(self, path: str) -> Path:
        for kept, folder in self._folders():
            if path.startswith(f"{kept}/"):
                return folder / path.removeprefix(f"{kept}/")
        for name, top in OVERLAYS.items():
            if path.startswith(f"{top}/") and ".." not in path.split("/"):
                return self.disk / name / path.removeprefix(f"{top}/")
        raise BadInput(f"{self.node.name}: the file {path} is outside {', '.join(OVERLAYS.values())}")

    def wipe(self) -> None:
        """Throw the disks away."""
        shutil.rmtree(self.disk, ignore_errors=True)


def read_unit(node: Node, name: str) -> Unit:
    """The unit `name` among the node's files. Raises BadInput if it is not there or cannot be understood."""
    files = {artifact.path: artifact for artifact in node.files}
    for folder in UNIT_FOLDERS:
        if found := files.get(f"{folder}/{name}"):
            return parse(found.content, name, path=f"{node.name}:{found.path}", host=node.name)
    raise BadInput(f"{node.name} starts {name}, but has no {UNIT_FOLDERS[0]}/{name}")


def sysctl_lines(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Shell commands that set kernel parameters, each failing with its name."""
    lines = []
    for key, value in pairs:
        path = "/proc/sys/" + "/".join(key.split("."))
        words = shlex.quote(f"sysctl {key}={value} cannot be set in a network namespace")
        lines.append(f"echo {shlex.quote(value)} > {shlex.quote(path)} || {{ echo {words}; exit 1; }}")
    return lines


def network_batches(node: Node, neighbours: Sequence[str] = ()) -> tuple[str, str]:
    """Input for `ip -batch` and for `ip -6 -batch` (only routes that begin with -6)."""
    lines = []
    for leg in node.legs:
        if any(_is_link_local(address) for address in leg.addresses):  # who states one has no other
            lines.append(f"link set {leg.interface} addrgenmode none")
        lines += [f"addr add {address} dev {leg.interface}{_nodad(address)}" for address in leg.addresses]
        lines.append(f"link set {leg.interface} up")
    lines += [f"addr add {address} dev lo{_nodad(address)}" for address in node.loopback]
    lines += [f"neigh replace {neighbour}" for neighbour in neighbours]
    six = [route.removeprefix("-6 ") for route in node.routes if route.startswith("-6 ")]
    lines += [f"route add {route}" for route in node.routes if not route.startswith("-6 ")]
    return _batch(lines), _batch([f"route add {route}" for route in six])


def _is_link_local(address: str) -> bool:
    """Of IPv6. FRR 10 would speak BGP and BFD from the one that the kernel derives."""
    return ":" in address and ip_interface(address).is_link_local


def _nodad(address: str) -> str:
    return " nodad" if ":" in address else ""


def _batch(lines: list[str]) -> str:
    return "".join(line + "\n" for line in lines)
