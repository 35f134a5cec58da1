"""One prefix or address, asked of BIRD, in the form of the looking glass. Pure: questions, and what their replies mean.

Sources: the BIRD User's Guide, 4 (`show route`), and 5.1 of the filters (`roa_check`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trimtab.answers.glass import Path, Validation
from trimtab.answers.routes import Why
from trimtab.daemons.bird.defence import REASONS, REFUSED
from trimtab.daemons.bird.peerings import LEARNED
from trimtab.daemons.bird.seen import Seen, seen
from trimtab.daemons.bird.wire import Reply, accepted
from trimtab.estate.community import named

WHY: Mapping[int, Why] = {number: word for word, number in REASONS.items()}
LEARNT = {number: f"learnt:{role}" for role, number in LEARNED.items()}
JUDGED: tuple[tuple[str, Validation], ...] = (("ROA_VALID", "valid"), ("ROA_INVALID", "invalid"))
_NOW = re.compile(r"Current server time is (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Asked:
    """what: an address or a prefix.  ours: it is asked of a host of ours, which keeps routes of other networks in tables of its
    own, and what it refuses aside.  roas: it judges origins.  asns: those of the estate, whose large communities are known.
    """

    what: str
    ours: bool
    roas: bool
    asns: frozenset[int]

    @property
    def family(self) -> int:
        return 6 if ":" in self.what else 4

    @property
    def table(self) -> str:
        return f"table {'wan' if self.ours else 'master'}{self.family}"


def questions(asked: Asked) -> list[str]:
    """Its clock; routes; then, as far as there are any, those refused, and which of both have which kind of origin."""
    found = ["show status", f"show route {_selected(asked)} all {asked.table}"]
    if asked.ours:
        found.append(f"show route filtered all {asked.table} where {_covers(asked)}")
    for check, _ in JUDGED if asked.roas else ():
        judged = f"roa_check(roas{asked.family}, net, bgp_path.last) = {check}"
        found.append(f"show route {_selected(asked)} {asked.table} where {judged}")
        found.append(f"show route filtered {asked.table} where ({_covers(asked)}) && ({judged})")
    return found


def _selected(asked: Asked) -> str:
    return asked.what if "/" in asked.what else f"for {asked.what}"


def _covers(asked: Asked) -> str:
    return f"net = {asked.what}" if "/" in asked.what else f"{asked.what} ~ net"


def known(asked: Asked, replies: Sequence[Reply]) -> tuple[Path, ...]:
    """replies: to `questions`. Raises InvalidResponse, Refused, Conflict."""
    now = _now(replies[0])
    routes = seen(replies[1])
    refused = seen(replies[2]) if asked.ours else ()
    origins: dict[tuple[str, str], Validation] = {}
    for n, (_, word) in enumerate(JUDGED if asked.roas else ()):
        for reply in replies[3 + 2 * n : 5 + 2 * n]:
            origins |= {(each.prefix, each.protocol): word for each in seen(reply)}
    paths = [
        *(
            _path(asked, each, now, origins, refused=False)
            for each in sorted(routes, key=lambda r: not r.best)
        ),
        *(_path(asked, each, now, origins, refused=True) for each in refused),
    ]
    return tuple(paths)


def _path(
    asked: Asked,
    route: Seen,
    now: datetime | None,
    origins: Mapping[tuple[str, str], Validation],
    *,
    refused: bool,
) -> Path:
    heard = bool(route.path)
    none: Validation = "not-found" if asked.roas and heard else "not-asked"
    why = WHY.get(
        next((c[2] for c in sorted(route.large) if c[0] in asked.asns and c[1] == REFUSED), 0), "unknown"
    )
    return Path(
        route.prefix,
        "refused" if refused else "heard" if heard else "own",
        route.best and not refused,
        route.protocol,
        route.next_hop,
        route.path,
        route.local_pref,
        route.med,
        tuple(words(asked.asns, route)),
        origins.get((route.prefix, route.protocol), none) if heard else "not-asked",
        why if refused else None,
        moment(route.since, now),
    )


def words(asns: frozenset[int], route: Seen) -> Iterator[str]:
    for text in route.communities:
        yield named(tuple(map(int, text.split(":"))))
    for first, second, third in sorted(route.large):
        known = {1: LEARNT.get(third), REFUSED: f"refused:{WHY[third]}" if third in WHY else None}
        yield (known.get(second) if first in asns else None) or f"{first}:{second}:{third}"


def _now(reply: Reply) -> datetime | None:
    found = _NOW.search("\n".join(line.text for line in accepted(reply).lines))
    return datetime.fromisoformat(found[1]) if found else None


def moment(text: str, now: datetime | None) -> str:
    """ISO 8601 of what BIRD says: a time of the last day, or a day."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return text
    if now is None or not re.fullmatch(r"\d\d:\d\d:\d\d(\.\d+)?", text):
        return text
    hour, minute, second = (int(part) for part in text.partition(".")[0].split(":"))
    then = now.replace(hour=hour, minute=minute, second=second)
    return (then if then <= now else then - timedelta(days=1)).isoformat()
