"""keepalived, judged by what it does: the addresses it puts on an interface."""

from __future__ import annotations

from trimtab.daemons.probe import Args, Probe
from trimtab.daemons.reply import Reply, Verdict, missing, refused


def judge(args: Args, reply: Reply) -> Verdict:
    """args: addresses without length. Lines of `ip -o addr`: N: IFNAME inet ADDRESS/LENGTH ..."""
    rows = [line.split() for line in reply.text.splitlines()]
    held = {row[3].partition("/")[0] for row in rows if len(row) > 3 and row[2] in ("inet", "inet6")}
    return refused(reply) or missing(args, held, "held")


VIP = Probe("vip", lambda _: ["ip", "-o", "addr"], judge, holds="on exactly one", after=1)
