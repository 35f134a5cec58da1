"""What a host, a build and the twin have to know of it."""

from __future__ import annotations

from trimtab.daemons.base import Daemon
from trimtab.daemons.probe import Args, Probe
from trimtab.daemons.reply import TRUE, Reply, Verdict, false, refused
from trimtab.daemons.validator import Validator


def _judge(path: str) -> list[str]:
    """It greets in one line."""
    return ["awk", 'NR > 1 || !NF { print FILENAME ":" NR ": one line of words"; exit 1 }', path]


def _ask(args: Args) -> list[str]:
    return ["sh", "-c", f"socat -t1 - TCP:127.0.0.1:{args[0]} < /dev/null"]


def _verdict(args: Args, reply: Reply) -> Verdict:
    return refused(reply) or (
        TRUE if reply.text.strip() == args[1] else false(f"says {reply.text.strip()!r}")
    )


DAEMON = Daemon(
    "greeter",
    programs={"socat": "socat"},
    units=("greeter.service",),
    judge=Validator("awk", "mawk", _judge),
    probes=(Probe("greeting", _ask, _verdict),),
)
