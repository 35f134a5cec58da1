"""Everything in which the twin's files differ from what `trimtab build` writes. A test holds every other byte equal.

One uid is mapped inside the twin, and file limits are those of the machine: that is all that has to give.
"""

from __future__ import annotations

import re
import resource
from collections.abc import Callable
from dataclasses import dataclass, replace

from trimtab import agent_config
from trimtab.daemons.artifact import Artifact


@dataclass(frozen=True, slots=True)
class Difference:
    """path: the file.  pattern: what changes in it.  new: the text for a match, given the machine's file limit."""

    path: str
    pattern: str
    new: Callable[[re.Match[str], int], str]
    why: str

    def apply(self, content: str, files: int) -> str:
        """The content with the difference; files: the machine's limit on open files."""
        return re.sub(self.pattern, lambda match: self.new(match, files), content)


def _capped(divide: int) -> Callable[[re.Match[str], int], str]:
    def new(match: re.Match[str], files: int) -> str:
        return f"{match[1]}{min(int(match[2]), max(100, (files - 1000) // divide))}"

    return new


DIFFERENCES = (
    Difference(
        agent_config.PATH,
        r'(?m)^( "supervisor": )"systemd"',
        lambda match, _files: f'{match[1]}"unix:{agent_config.TWIN_UNITS}"',
        "there is no systemd in a node: the twin's own supervisor answers there, for that node's units only",
    ),
    Difference(
        "/etc/haproxy/haproxy.cfg",
        r"(?m)^(    maxconn )(\d+)$",
        _capped(2),
        "two files a connection: the machine's hard limit bounds it, and no right of the twin can raise it",
    ),
    Difference(
        "/etc/haproxy/haproxy.cfg",
        r"(\bsc2_conn_cur\S* gt )(\d+)",
        _capped(4),
        "clients have half of that, so that all others have their places still",
    ),
    Difference(
        "/etc/haproxy/haproxy.cfg",
        r"(?m)^(    maxconn )(\d+)(?= # beside)",
        _capped(8),
        "and other sites a quarter",
    ),
    Difference(
        "/etc/haproxy/haproxy.cfg",
        r"(?m)^global$",
        lambda _match, _files: "global\n    nbthread 1",
        "all hosts share the machine's processors: a thread for each of them in each proxy would only wait for the others",
    ),
    Difference(
        "/etc/nginx/nginx.conf",
        r"(?m)^(    worker_connections )(\d+)(?=;$)",
        _capped(2),
        "two files a connection, as above",
    ),
    Difference(
        "/etc/nginx/nginx.conf",
        r"(?m)^(        limit_conn public )(\d+)(?=;$)",
        _capped(5),
        "a request takes two connections, and others have their places still",
    ),
    Difference(
        "/etc/nginx/nginx.conf",
        r"(?m)^(worker_rlimit_nofile )(\d+)(?=;$)",
        _capped(1),
        "the machine's hard limit on open files",
    ),
    Difference(
        "/etc/systemd/system/nginx.service",
        r"user www-data;",
        lambda _match, _files: "user root;",
        "one uid is mapped: nginx could not become www-data. Other daemons take their user from `User=`, "
        "which the twin leaves out",
    ),
    Difference(
        "/etc/systemd/system/exabgp.service",
        r"(?m)^Environment=exabgp_daemon_user=exabgp$",
        lambda _match, _files: "Environment=exabgp_daemon_user=root",
        "one uid is mapped: ExaBGP could not become its user, and refuses to run as root unless told so",
    ),
)


def file_limit() -> int:
    """The hard limit on open files that the twin's processes get."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return 1_048_576 if hard == resource.RLIM_INFINITY else hard


def for_twin(artifact: Artifact, files: int) -> Artifact:
    """The artifact as the twin runs it."""
    content = artifact.content
    for difference in DIFFERENCES:
        if difference.path == artifact.path:
            content = difference.apply(content, files)
    return replace(artifact, content=content)
