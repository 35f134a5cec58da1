"""BIRD 2, asked over its control socket with birdc."""

from __future__ import annotations

import re

from trimtab.daemons.probe import Args, Probe
from trimtab.daemons.reply import TRUE, Reply, Verdict, false, missing, refused

SOCKET = "/run/bird/bird.ctl"
ROUTE_LINE = re.compile(r"(\S+/\d+)?\s+(unicast|blackhole|unreachable|prohibit)\b")


def ask(*words: str) -> list[str]:
    return ["birdc", "-r", "-s", SOCKET, *words]


def judge_bgp(args: Args, reply: Reply) -> Verdict:
    """args: names of BGP protocols. Columns: Name Proto Table State Since Info."""
    rows = [line.split() for line in reply.text.splitlines()]
    up = {row[0] for row in rows if len(row) >= 6 and row[1] == "BGP" and row[-1] == "Established"}
    return refused(reply) or missing(args, up, "established")


def judge_bfd(args: Args, reply: Reply) -> Verdict:
    """args: addresses of neighbours. Columns: IP address, Interface, State, Since, Interval, Timeout."""
    rows = [line.split() for line in reply.text.splitlines()]
    up = {row[0] for row in rows if len(row) >= 3 and row[2] == "Up"}
    return refused(reply) or missing(args, up, "up")


def judge_rpki(args: Args, reply: Reply) -> Verdict:
    """args: names of RPKI protocols."""
    rows = [line.split() for line in reply.text.splitlines()]
    up = {row[0] for row in rows if len(row) >= 6 and row[1] == "RPKI" and row[-1] == "Established"}
    return refused(reply) or missing(args, up, "established")


def ask_route(args: Args) -> list[str]:
    return ask("show", "route", args[0])


def judge_route(args: Args, reply: Reply) -> Verdict:
    """args: one prefix, which must be there as unicast (a recursive route with no anchor is unreachable)."""
    if "Network not found" in reply.text:
        return false(f"{args[0]} has no route")
    if bad := refused(reply):
        return bad
    kinds, prefix = set(), ""
    for line in reply.text.splitlines():
        if found := ROUTE_LINE.match(line):
            prefix = found[1] or prefix
            kinds |= {found[2]} if prefix == args[0] else set()
    if "unicast" in kinds:
        return TRUE
    return false(f"{args[0]} is {', '.join(sorted(kinds)) or 'absent'}")


BGP = Probe("bgp", lambda _: ask("show", "protocols"), judge_bgp)
BFD = Probe("bfd", lambda _: ask("show", "bfd", "sessions"), judge_bfd)
ROUTE = Probe("route", ask_route, judge_route, after=1)
RPKI = Probe("rpki", lambda _: ask("show", "protocols"), judge_rpki, after=1)
