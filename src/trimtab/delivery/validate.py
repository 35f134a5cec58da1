"""Have every file of a host judged by the daemon that will read it."""

from __future__ import annotations

import shutil
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.reply import Reply
from trimtab.daemons.table import table
from trimtab.daemons.validator import Validator
from trimtab.delivery import sandbox, systems
from trimtab.errors import DaemonRefused, PackageMissing


@dataclass(frozen=True, order=True, slots=True)
class Refusal:
    """A file that its daemon refused, in the daemon's own words."""

    host: str
    path: str
    line: int
    program: str
    words: str

    def __str__(self) -> str:
        at = f"{self.path}:{self.line}" if self.line else self.path
        said = "\n".join(f"    {line}" for line in self.words.strip().splitlines()[:12])
        return f"{self.host}  {at}  refused by {self.program}:\n{said}"


class Refused(DaemonRefused):
    """Every refusal of a build."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        self.refusals = tuple(sorted(refusals))
        super().__init__(
            "\n".join(str(r) for r in self.refusals), "nothing was written; the estate decides these lines"
        )


def require_programs(artifacts: Sequence[Artifact], release: str = "") -> Path | None:
    """Where they are judged: the folder of the system `release`, None on this machine's own. Raises PackageMissing for the
    first validator that is not installed, EnvironmentUnable where the system is not there or lacks one.
    """
    asked = [table().judge(key) for key in sorted({a.validator for a in artifacts if a.validator})]
    if release:
        return systems.find(release, [each.path for each in asked])
    for validator in asked:
        if shutil.which(validator.program, path=sandbox.PATH) is None:
            raise PackageMissing(validator.program, validator.package)
    return None


Known = dict[Hashable, Reply]


def validate_host(
    host: str,
    artifacts: Sequence[Artifact],
    root: Path,
    extra: Path,
    system: Path | None = None,
    known: Known | None = None,
    interfaces: set[str] | None = None,
) -> list[Refusal]:
    """Ask the daemons about the files below `root`. Raises EnvironmentUnable where namespaces are not allowed.

    known: replies about other hosts of the build; what was asked of the same files already is taken from there.
    interfaces: in the host's networks.
    """
    known = {} if known is None else known
    judged = [(a, table().judge(a.validator)) for a in artifacts if a.validator]
    keys = {a.path: _key(a, validator, artifacts, system) or (host, a.path) for a, validator in judged}
    commands = {a.path: validator.ask(a.path) for a, validator in judged if keys[a.path] not in known}
    replies = sandbox.run(root, extra, interfaces or set(), commands, system) if commands else {}
    known.update((keys[path], reply) for path, reply in replies.items())
    return [
        _refusal(host, artifact.path, validator, known[keys[artifact.path]])
        for artifact, validator in judged
        if not validator.accepts(known[keys[artifact.path]])
    ]


def _key(
    artifact: Artifact, validator: Validator, artifacts: Sequence[Artifact], system: Path | None
) -> Hashable:
    """The same for files about which the reply is the same; None for one that hangs on the whole host."""
    if validator.reads == "host":
        return None
    found = (validator.program, artifact.path, artifact.content, system)
    if validator.reads == "file":
        return found
    there = ((a.path, a.mode, a.content if a.validator == artifact.validator else "") for a in artifacts)
    return (*found, frozenset(there))


def _refusal(host: str, path: str, validator: Validator, reply: Reply) -> Refusal:
    found = validator.place(reply.text)
    words = reply.text or f"exit status {reply.code}"
    return Refusal(host, found[0] if found else path, found[1] if found else 0, validator.program, words)
