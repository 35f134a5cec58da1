"""A client's view: one request with curl to a stated address."""

from __future__ import annotations

from urllib.parse import urlsplit

from trimtab.daemons.probe import Args, Probe
from trimtab.daemons.reply import TRUE, Reply, Verdict, false, refused


def ask(args: Args) -> list[str]:
    """args: url, address to go to, and maybe the file of the CA."""
    url, address, *ca = args
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = f"[{address}]" if ":" in address else address
    trust = ["--cacert", ca[0]] if ca else []
    return [
        "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "2", "--noproxy", "*", *trust,
        "--resolve", f"{parts.hostname}:{port}:{address}", url,
    ]  # fmt: skip


def judge(args: Args, reply: Reply) -> Verdict:
    """Status 200. What curl says on standard error goes before the status, which is 000 if there was none."""
    if bad := refused(Reply(reply.code, reply.text.removesuffix("000"))):
        return bad
    status = reply.text.strip()[-3:]
    return TRUE if status == "200" else false(f"{args[0]} via {args[1]} answers {status}")


GET = Probe("http", ask, judge, after=2)
