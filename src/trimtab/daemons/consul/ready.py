"""Consul, asked over HTTPS on its own host: who leads, and who are the servers. Neither takes a token."""

from __future__ import annotations

import json

from trimtab.daemons.probe import Args, Probe
from trimtab.daemons.reply import Reply, Verdict, false, missing, refused, unknown

URL = "https://127.0.0.1:8501/v1/status"


def ask(args: Args) -> list[str]:
    """args: the files of the CA, of a certificate and of its key; addresses of all servers."""
    ca, certificate, key, *_ = args
    trust = ["--cacert", ca, "--cert", certificate, "--key", key]
    plain = ["curl", "-sS", "--max-time", "2", "--noproxy", "*", *trust, "-w", r"\n"]
    return [*plain, f"{URL}/leader", f"{URL}/peers"]


def judge(args: Args, reply: Reply) -> Verdict:
    """Two lines of JSON: the leader's `ADDRESS:PORT`, "" for none, and those of all servers."""
    if bad := refused(reply):
        return bad
    try:
        leader, peers = (json.loads(line) for line in reply.text.splitlines() if line.strip())
        found = {str(peer).rpartition(":")[0] for peer in peers}
    except (ValueError, TypeError):
        return unknown(reply.text.strip()[-120:] or "no answer")
    if not leader:
        return false("no leader")
    return missing(args[3:], found, "among the servers")


SERVERS = Probe("consul", ask, judge)
