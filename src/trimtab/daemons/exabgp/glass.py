"""One prefix or address, asked of a host with ExaBGP, which knows only what it tells. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

from trimtab.answers.glass import Path
from trimtab.daemons.exabgp.client import communities
from trimtab.errors import InvalidResponse
from trimtab.estate.community import named


def known(what: str, reply: str) -> tuple[Path, ...]:
    """reply: the file of what was told. Raises InvalidResponse."""
    try:
        sessions: dict[str, Any] = json.loads(reply)["sessions"]
        found = [path for name, each in sessions.items() for path in _told(what, name, each["told"])]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidResponse(f"not what `announce` writes: {ascii(reply)[:100]}") from error
    return tuple(found)


def _told(what: str, session: str, told: dict[str, str]) -> Iterator[Path]:
    """Of an address the longest prefix in each session."""
    nets = [ip_network(prefix) for prefix in told]
    if "/" in what:
        chosen = [net for net in nets if net == ip_network(what)]
    else:
        chosen = sorted((net for net in nets if ip_address(what) in net), key=lambda net: -net.prefixlen)[:1]
    for net in chosen:
        said = told[str(net)]
        yield Path(
            str(net), "told", False, session, _word(said, r"next-hop (\S+)"), _word(said, r"as-path \[ ?([^\]]*?) ?\]"),
            None, _number(_word(said, r"med (\d+)")),
            (*map(named, sorted(communities(said))), *_word(said, r"large-community \[ ([^\]]*) \]").split()), "not-asked", None, "",
        )  # fmt: skip


def _word(text: str, pattern: str) -> str:
    found = re.search(rf"(?:^|(?<= )){pattern}", text)
    return found[1] if found else ""


def _number(text: str) -> int | None:
    return int(text) if text else None
