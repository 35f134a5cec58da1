"""Which daemon judges which file: the command to ask it (`ask`), and what its reply means (`judge`). Nothing runs here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Reply:
    """What a validator answered: exit status and everything it wrote."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Validator:
    """program: what must be installed, from Debian's `package`.  ask: the command for a path on the host.
    reads: what its reply hangs on: that file, all units and which files there are, or anything of the host.
    """

    program: str
    package: str
    ask: Callable[[str], list[str]]
    accepts: Callable[[Reply], bool] = lambda reply: reply.code == 0
    reads: Literal["file", "units", "host"] = "host"


def _etcd_accepts(reply: Reply) -> bool:
    """etcd has no check mode. In a namespace without its address, a good file gets as far as the listening socket."""
    return "cannot assign requested address" in reply.text


def _sysctl_accepts(reply: Reply) -> bool:
    """Keys written with a leading `-` may be absent; anything else that sysctl complains of is a fault."""
    optional = {
        "net.core.rmem_max",
        "net.core.wmem_max",
        "net.core.netdev_max_backlog",
        "net.netfilter.nf_conntrack_max",
        "net.ipv4.neigh.default.gc_thresh",
        "net.ipv6.neigh.default.gc_thresh",
    }
    complaints = [line for line in reply.text.splitlines() if line.startswith("sysctl:")]
    return all(any(key in line.replace("/", ".") for key in optional) for line in complaints)


def _systemd_accepts(reply: Reply) -> bool:
    """systemd only warns of a line that it does not know, and goes on without it; we do not."""
    return (
        reply.code == 0 and re.search(r"Unknown|Failed to parse|[Ii]gnoring|Missing '='", reply.text) is None
    )


STEER_HOOK = "/usr/local/lib/trimtab/bird-steer"


def _ask_bird(path: str) -> list[str]:
    """A router reads what is steered beside its own file; the hook of its unit sees to it that it is there."""
    return ["sh", "-c", f'if test -x {STEER_HOOK}; then {STEER_HOOK}; fi; exec bird -p -c "$0"', path]


# Proxies read pools that a hook of the same host makes for them at each start: it is asked the same way.
MEMBERS_HOOK = "/usr/local/lib/trimtab/proxy-members"


def _ask_haproxy(path: str) -> list[str]:
    judge = f"/usr/sbin/haproxy -c -f {path} -f /run/haproxy/pools.cfg"
    return ["sh", "-c", f"mkdir -p /run/haproxy; exec {MEMBERS_HOOK} haproxy {judge}"]


def _ask_nginx(path: str) -> list[str]:
    """`nginx -t` binds what it would listen on, so the namespace allows addresses that VRRP would bring."""
    allow = "for v in 4 6; do echo {} > /proc/sys/net/ipv$v/ip_nonlocal_bind; done"
    test = (
        f'mkdir -p /run/nginx; {MEMBERS_HOOK} nginx /usr/sbin/nginx -e stderr -t -q -g "user root;" -c "$0"'
    )
    return ["sh", "-c", f"{allow.format(1)}; {test}; code=$?; {allow.format(0)}; exit $code", path]


def _ask_keepalived(path: str) -> list[str]:
    """2.3 refuses a track file that does not exist. On a host the unit's hook has made it before."""
    tracked = """sed -n 's/^    file "\\(.*\\)"$/\\1/p' "$0" """
    made = f'{tracked}| while read -r file; do mkdir -p "${{file%/*}}"; echo 0 > "$file"; done'
    return ["sh", "-c", f'{made}; exec keepalived -t -f "$0"', path]


VALIDATORS: dict[str, Validator] = {
    "bird": Validator("bird", "bird2", _ask_bird),
    "etcd": Validator(
        "etcd", "etcd-server", lambda path: ["timeout", "5", "etcd", "--config-file", path], _etcd_accepts
    ),
    "haproxy": Validator("haproxy", "haproxy", _ask_haproxy),
    "json": Validator(
        "python3",
        "python3",
        lambda path: ["python3", "-ISc", "import json,sys; json.load(open(sys.argv[1]))", path],
        reads="file",
    ),
    "keepalived": Validator("keepalived", "keepalived", _ask_keepalived),
    "nginx": Validator("nginx", "nginx-light", _ask_nginx),
    "python": Validator(
        "python3",
        "python3",
        lambda path: ["python3", "-ISc", "import ast,sys; ast.parse(open(sys.argv[1]).read())", path],
        reads="file",
    ),
    "sh": Validator("sh", "dash", lambda path: ["sh", "-n", path], reads="file"),
    "sysctl": Validator(
        "sysctl", "procps", lambda path: ["sysctl", "--dry-run", "-p", path], _sysctl_accepts
    ),
    "systemd": Validator(
        "systemd-analyze",
        "systemd",
        lambda path: ["systemd-analyze", "verify", "--man=no", path],
        _systemd_accepts,
        reads="units",
    ),
}

_LINE = (
    re.compile(r"\[(?P<file>/[^\]:]+):(?P<line>\d+)\]"),  # haproxy
    re.compile(r"in (?P<file>/\S+?):(?P<line>\d+)"),  # nginx
    re.compile(r"\((?P<file>/[^:)]+): Line (?P<line>\d+)\)"),  # keepalived
    re.compile(r"(?P<file>/[^\s:]+):(?P<line>\d+)"),  # bird, systemd, sh, sysctl
)


def place(text: str) -> tuple[str, int] | None:
    """The first (file, line) that a daemon names in its complaint."""
    for pattern in _LINE:
        match = pattern.search(text)
        if match:
            return match["file"], int(match["line"])
    return None
