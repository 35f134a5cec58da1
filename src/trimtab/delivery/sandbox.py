"""Where validators run: a throw-away mount, pid and network namespace with the host's files at their real paths.

Daemons check that certificates, secrets and interfaces exist, so the sandbox has throwaway ones; it has no network, so
nothing that a validator starts can reach anything. It works as root and, where user namespaces allow it, as anybody.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from trimtab.daemons.reply import Reply
from trimtab.delivery.mounts import crowded
from trimtab.errors import EnvironmentUnable

UNSHARE = (
    "unshare", "--user", "--map-root-user", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork",
    "--kill-child=KILL", "--mount-proc",
)  # fmt: skip
TIMEOUT_S = 60
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_SETUP = """
set -e
mount -t tmpfs tmpfs /run
{copies}
mount -t overlay overlay -o lowerdir={lower_etc} /etc
{hooks}
for dir in /var/log /var/lib /var/cache; do mount -t tmpfs tmpfs $dir; done
ip link set lo up
mkdir -p /var/cache/nginx /var/lib/haproxy
for name in {interfaces}; do ip link add "$name" type bridge; done
touch {results}/ready
set +e
"""


# Another system becomes the root; what is read and written of this one is then below /tmp.
_SYSTEM = """
set -e
mount --rbind {system} {system}
cd {system}
mount -t proc proc proc
mount --rbind /dev dev
mount --rbind /sys sys
mount -t tmpfs tmpfs tmp
mkdir tmp/outside {targets}
{binds}
pivot_root . tmp/outside
umount -l /tmp/outside
cd /
"""
ETC, LIB = OVERLAID = "/etc", "/usr/local/lib"
COPY = "/run/trimtab-lower"
MOVED = "/tmp/trimtab-check"


def run(
    root: Path,
    extra: Path,
    interfaces: set[str],
    commands: Mapping[str, list[str]],
    system: Path | None = None,
    seconds: float = TIMEOUT_S,
) -> dict[str, Reply]:
    """Run every command with `root`'s files (a host's folder) over the machine's own. Raises EnvironmentUnable.

    extra: a folder with the secrets and certificates.  system: of another Debian, whose programs are asked.  seconds: for all of
    them together.  Returns the
    reply of each command, by key.
    """
    with tempfile.TemporaryDirectory(prefix="trimtab-check-") as name:
        results = Path(name)
        if system is None:
            script = _script(root, extra, interfaces, commands, results)
        else:
            script, moved = _enter(system, (root, extra, results))
            script += _script(*moved[:2], interfaces, commands, moved[2], present=(root, extra))
        done = subprocess.run(
            [*UNSHARE, "sh", "-c", script], capture_output=True, text=True, timeout=seconds, check=False,
            stdin=subprocess.DEVNULL, env={"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/"},
        )  # fmt: skip
        if not (results / "ready").exists():
            raise EnvironmentUnable(
                f"cannot make a namespace to check files in: {done.stderr.strip() or done.stdout.strip()}",
                "run as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
                "kernel.apparmor_restrict_unprivileged_userns=0); `--no-validate` leaves the daemons out",
            )
        return {key: _reply(results, i) for i, key in enumerate(commands)}


def _enter(system: Path, paths: tuple[Path, Path, Path]) -> tuple[str, tuple[Path, Path, Path]]:
    """Shell that makes `system` the root, and where `paths` are then."""
    moved = [Path(f"{MOVED}-{i}") for i in range(len(paths))]
    there = [(path, at) for path, at in zip(paths, moved, strict=True) if path.exists()]
    text = _SYSTEM.format(
        system=shlex.quote(str(system)),
        targets=" ".join(str(at).lstrip("/") for _, at in there),
        binds="\n".join(
            f"mount --rbind {shlex.quote(str(p.resolve()))} {str(at).lstrip('/')}" for p, at in there
        ),
    )
    return text, (moved[0], moved[1], moved[2])


def _script(
    root: Path,
    extra: Path,
    interfaces: set[str],
    commands: Mapping[str, list[str]],
    results: Path,
    present: tuple[Path, Path] | None = None,
) -> str:
    """present: where root and extra are now, for those that are elsewhere when the script runs."""
    now = dict(zip((root, extra), present or (root, extra), strict=True))
    lower = ":".join(_escape(part / "etc") for part in (extra, root) if (now[part] / "etc").is_dir())
    lib = root / "usr/local/lib"
    own = {path: COPY + path if present is None and crowded(path) else path for path in OVERLAID}
    hooks = f"mount -t overlay overlay -o lowerdir={shlex.quote(f'{_escape(lib)}:{own[LIB]}')} {LIB}"
    text = _SETUP.format(
        copies="\n".join(_copy(path, copy) for path, copy in own.items() if copy != path),
        lower_etc=shlex.quote(f"{lower}:{own[ETC]}"),
        hooks=hooks if (now[root] / "usr/local/lib").is_dir() else "",
        interfaces=" ".join(sorted(interfaces)) or "",
        results=shlex.quote(str(results)),
    )
    for i, command in enumerate(commands.values()):
        out = shlex.quote(str(results / str(i)))
        text += f"{shlex.join(command)} > {out}.out 2>&1 < /dev/null; echo $? > {out}.code\n"
    return text


def _copy(path: str, copy: str) -> str:
    """In the place of a lower layer with mounts of its own. What may not be read is left out."""
    return f"mkdir -p {copy}; cp -dR --preserve=mode {path}/. {copy} 2>/dev/null || :"


def _escape(path: Path) -> str:
    """A path as overlayfs options take it: `:`, `,` and `\\` are separators there."""
    return re.sub(r"([:,\\])", r"\\\1", str(path.resolve()))


def _reply(results: Path, index: int) -> Reply:
    code = results / f"{index}.code"
    out = results / f"{index}.out"
    if not code.exists():
        return Reply(-1, "the checker did not finish")
    return Reply(int(code.read_text()), out.read_text(errors="replace"))
