"""FRR, asked with vtysh."""

from __future__ import annotations

from trimtab.daemons.frr import wire
from trimtab.daemons.probe import Args, Probe
from trimtab.daemons.reply import TRUE, Reply, Verdict, false, missing, refused
from trimtab.errors import InvalidResponse


def judge_sessions(args: Args, reply: Reply) -> Verdict:
    """args: addresses of neighbours."""
    if bad := refused(reply):
        return bad
    try:
        return missing(args, wire.established(reply.text), "established")
    except InvalidResponse as error:
        return false(str(error))


def judge_route(args: Args, reply: Reply) -> Verdict:
    """args: one prefix, which must have a valid path."""
    if bad := refused(reply):
        return bad
    try:
        found = any(path.get("valid", False) for path in wire.paths(reply.text))
    except InvalidResponse as error:
        return false(str(error))
    return TRUE if found else false(f"{args[0]} has no route")


SESSIONS = Probe("frr-bgp", lambda _: wire.show_sessions(), judge_sessions)
ROUTE = Probe("frr-route", lambda args: wire.show_route(args[0]), judge_route, after=1)
