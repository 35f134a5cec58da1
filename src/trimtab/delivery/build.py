"""Write every host's files into a folder, each judged by its own daemon first. Either all of it appears, or nothing."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.rendered import render_host
from trimtab.delivery import systems
from trimtab.delivery.throwaway import ThrowawayCa, certificate_files, host_files, password_files
from trimtab.delivery.validate import Known, Refusal, Refused, require_programs, validate_host
from trimtab.errors import BadInput, EnvironmentUnable
from trimtab.estate.estate import Estate
from trimtab.estate.inventory import Host, Inventory

MARKER = ".trimtab-build"
WORKERS = 2
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Built:
    """hosts, files: how many were written to `directory`, in `seconds`.  validated: by their daemons."""

    directory: Path
    hosts: int
    files: int
    validated: bool
    seconds: float


def build(estate: Estate, out: Path, *, validate: bool = True, progress: Progress | None = None) -> Built:
    """Render, check and write. Raises BadInput for a foreign folder, Refused, PackageMissing, EnvironmentUnable."""
    began = time.monotonic()
    inventory = Inventory(estate)
    _refuse_foreign(out)
    with _workshop(out) as name:
        fresh = Path(name) / "new"
        try:
            fresh.mkdir()
            hosts, files = _write(inventory, fresh, Path(name) / "extra", validate, progress)
            names = [host.name for host in inventory.hosts]
            (fresh / MARKER).write_text("".join(f"{name}\n" for name in (estate.estate, *names)))
            _swap(fresh, out, Path(name) / "old")
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise EnvironmentUnable(
                f"{error.filename or out} cannot be written: {error.strerror}",
                "nothing was changed: make room there, or name another folder with -o DIR",
            ) from error
    return Built(out, hosts, files, validate, time.monotonic() - began)


@contextmanager
def _workshop(out: Path) -> Iterator[str]:
    """A folder beside `out`, gone at the end; what a killed build left is cleared. Raises BadInput."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for left in out.parent.glob(f".{out.name}-*-*"):
            pid = left.name.removeprefix(f".{out.name}-").split("-")[0]
            if pid.isdecimal() and not Path("/proc", pid).exists():
                shutil.rmtree(left, ignore_errors=True)
        workshop = tempfile.TemporaryDirectory(prefix=f".{out.name}-{os.getpid()}-", dir=out.parent)
    except OSError as error:
        raise BadInput(
            f"{out} cannot be written: {error.strerror}", "name another folder with -o DIR"
        ) from error
    with workshop as name:
        yield name


def _refuse_foreign(out: Path) -> None:
    another = "name another one with -o DIR"
    try:
        if Path.cwd().is_relative_to(out.resolve()):
            raise BadInput(
                f"{out} is the folder that you are in, or one above it", f"a build replaces it: {another}"
            )
        if not out.exists():
            if out.is_symlink():
                raise BadInput(f"{out} is a link to nothing", another)
            return
        if not out.is_dir():
            raise BadInput(f"{out} is not a folder", another)
        there = {path.name for path in out.iterdir()}
    except OSError as error:
        raise BadInput(f"{out} cannot be read: {error.strerror}", another) from error
    foreign = sorted(there - {MARKER} - _built(out)) if MARKER in there else sorted(there)
    if foreign:
        some = ", ".join(foreign[:3]) + (", …" if len(foreign) > 3 else "")
        raise BadInput(
            f"{out} has files that no build wrote: {some}",
            "a build replaces its folder as a whole: name an empty or new one with -o DIR",
        )


def _built(out: Path) -> set[str]:
    """The hosts that the last build wrote, as its marker says: the estate's name, then one host a line."""
    return set((out / MARKER).read_text().splitlines()[1:])


def _write(
    inventory: Inventory, fresh: Path, extra: Path, validate: bool, progress: Progress | None
) -> tuple[int, int]:
    files = 0
    if validate:
        _write_extra(inventory, extra)
    refusals: list[Refusal] = []
    known: Known = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        judged = []
        for host, artifacts in rendered(inventory):
            write_host(fresh / host.name, artifacts)
            files += len(artifacts)
            if validate:
                system = require_programs(artifacts, systems.wanted(host.platform))
                at = fresh / host.name, extra / host.site, system
                own = inventory.interfaces(host)
                judged.append(pool.submit(validate_host, host.name, artifacts, *at, known, own))
        for done, future in enumerate(judged, 1):
            refusals += future.result()
            if progress:
                progress(done, len(judged), f"{len(refusals)} refused" if refusals else "")
    if refusals:
        raise Refused(refusals)
    return len(inventory.hosts), files


def rendered(inventory: Inventory) -> Iterator[tuple[Host, tuple[Artifact, ...]]]:
    for host in inventory.hosts:
        yield host, render_host(inventory, host)


def _write_extra(inventory: Inventory, extra: Path) -> None:
    """Throwaway secrets for the checks, one folder a site: passwords of the same name differ from site to site."""
    ca = ThrowawayCa(inventory.estate.estate)
    certificates = certificate_files(inventory, ca)
    for site in inventory.site_names():
        passwords = {f"{site}/{name}": "throwaway" for name in inventory.estate.sites[site].upstreams}
        own = host_files(inventory.at(site)[0], ca, ("throwaway", "throwaway"))
        write_host(extra / site, (*certificates, *own, *password_files(inventory, site, passwords)))


def write_host(root: Path, artifacts: tuple[Artifact, ...]) -> None:
    """The artifacts below `root`, with their modes."""
    made: set[Path] = set()
    root.mkdir(parents=True, exist_ok=True)
    for artifact in artifacts:
        path = root / artifact.path.lstrip("/")
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        path.write_text(artifact.content, encoding="utf-8")
        path.chmod(artifact.mode)


def _swap(fresh: Path, out: Path, old: Path) -> None:
    if out.exists():
        out.rename(old)
    fresh.rename(out)
    if old.exists():
        shutil.rmtree(old)
