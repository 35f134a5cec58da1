"""Why this machine cannot hold a twin, found out only after a start has failed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

USER = ("unshare", "--user", "--map-root-user")
SYSCTLS = {
    "kernel.unprivileged_userns_clone": "0",
    "kernel.apparmor_restrict_unprivileged_userns": "1",
    "user.max_user_namespaces": "0",
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What was tried: exit status and standard error."""

    code: int
    words: str


def why_not() -> tuple[str, str] | None:
    """(what is the matter, the way out), or None if nothing was found. Takes some 100 ms."""
    user = _try(*USER, "true")
    proc = _try(*USER, "--mount", "--pid", "--fork", "--mount-proc", "true")
    net = _try(*USER, "--net", "--mount", "--uts", "--ipc", "true")
    python = _try(*USER, sys.executable, "-c", "import trimtab.lab.topology")
    return judge(user, proc, net, python, _sysctls())


def judge(
    user: Trial, proc: Trial, net: Trial, python: Trial, sysctls: dict[str, str]
) -> tuple[str, str] | None:
    """Pure: the first of the trials that failed, in words. sysctls: name to value, if the kernel has it."""
    if user.code:
        bad = [f"{key}={value}" for key, value in SYSCTLS.items() if sysctls.get(key) == value]
        if bad:
            name, value = bad[0].split("=")
            other = "1" if value == "0" else "0"
            other = "10000" if name == "user.max_user_namespaces" else other
            return (
                f"user namespaces are forbidden on this machine ({', '.join(bad)})",
                f"as root: sysctl -w {name}={other}",
            )
        return (
            f"user namespaces are not to be had here: {user.words}",
            "in a container, start it with --privileged or a seccomp profile that allows unshare",
        )
    if proc.code:
        return (
            f"a fresh /proc cannot be mounted here, as in a container with a masked /proc: {proc.words}",
            "start the container with --privileged, or --security-opt systempaths=unconfined",
        )
    if net.code:
        return (
            f"network namespaces are not to be had here: {net.words}",
            "a kernel with CONFIG_NET_NS and user namespaces is needed",
        )
    if python.code:
        return (
            f"{sys.executable} cannot be used inside a user namespace: {python.words}",
            "its folder, and Trimtab's, must be readable by the user who starts the twin",
        )
    return None


def _try(*argv: str) -> Trial:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    return Trial(done.returncode, done.stderr.strip()[-300:])


def _sysctls() -> dict[str, str]:
    found = {}
    for name in SYSCTLS:
        path = Path("/proc/sys") / name.replace(".", "/")
        if path.exists():
            found[name] = path.read_text().strip()
    return found
