"""etcd, asked with etcdctl."""

from __future__ import annotations

import json

from trimtab.daemons.probe import Args, Probe
from trimtab.daemons.reply import TRUE, Reply, Verdict, false, unknown


def ask(args: Args) -> list[str]:
    """args: endpoints; those that begin with -- are passed on as options (--cacert=…).

    A healthy endpoint has committed a proposal, which takes a leader and a quorum.
    """
    options = [word for word in args if word.startswith("--")]
    return [
        "env", "ETCDCTL_API=3", "etcdctl", *options, f"--endpoints={','.join(_endpoints(args))}",
        "--dial-timeout=1s", "--command-timeout=2s", "endpoint", "health", "-w", "json",
    ]  # fmt: skip


def judge(args: Args, reply: Reply) -> Verdict:
    """Every endpoint is healthy. The exit status says the same in one bit, so only the JSON is read."""
    text = next((line for line in reply.text.splitlines() if line.startswith("[")), "")
    try:
        found = {row["endpoint"]: bool(row["health"]) for row in json.loads(text)}
    except (ValueError, KeyError, TypeError):
        return unknown(reply.text.strip()[-120:] or "no answer")
    sick = [endpoint for endpoint in _endpoints(args) if not found.get(endpoint)]
    return false(f"{', '.join(sick)} not healthy") if sick else TRUE


def _endpoints(args: Args) -> list[str]:
    return [word for word in args if not word.startswith("--")]


HEALTH = Probe("etcd", ask, judge)
