"""Why a site, a host or a member is as it is: what stands, then every decision, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from trimtab.answers.why import Decision, Override, PoolMember, Restart, Turn, WhyHost, WhyMember, WhySite
from trimtab.cli.output import clock
from trimtab.ops.arbiter.ledger import CAME_OF

LOST = "          whoever asked was killed, or lost the store: it was undone with the lease, within seconds"
TOGETHER_S = 2.0  # a host that dies is found down in each of its pools


def site(answer: WhySite) -> list[str]:
    since = f", since {clock(answer.since)}" if answer.since else ""
    decided = (
        line for each in answer.decisions for line in [*_decision(each), *([LOST] if each.lost else [])]
    )
    return [
        f"{answer.site} is {answer.verdict} ({answer.agree} of {answer.of} vantage points){since}; {answer.word}",
        *(f"  {line}" for line in [*answer.reasons, *answer.findings, *answer.incidents, *decided]),
    ]


def host(answer: WhyHost) -> list[str]:
    """What its agent says of its daemons, what an operator wants of it, and its place in each pool."""
    found = ["no recent report from the agent; daemon state unknown"] if answer.units is None else []
    found += [
        f"{unit}: {word}{_anew(answer.restarts.get(unit))}" for unit, word in (answer.units or {}).items()
    ]
    if answer.agent_since is not None:
        since = clock(answer.agent_since)
        found.append(f"its agent has been there since {since}: of what was before it knows nothing")
    found += _front(answer)
    found += [
        f"{pool}: {line}" for pool, pool_member in answer.pools.items() for line in _pool_member(pool_member)
    ]
    return _inside(answer, found)


def _anew(restart: Restart | None) -> str:
    if restart is None:
        return ""
    who = f"by its agent: {restart.why}" if restart.why else "and not by its agent"
    return f"; restarted at {clock(restart.at)}, {who}"


def _front(answer: WhyHost) -> list[str]:
    found = []
    if (addresses := answer.addresses) is not None:
        word = "holds the site's addresses" if addresses.holds else "does not hold the site's addresses"
        word += f", since {clock(addresses.since)}" if addresses.since else ""
        found.append(word + (", and competes for them from the last place" if addresses.last else ""))
    override = answer.override
    return [*found, _by("drained", override)] if override is not None and override.state == "drain" else found


def member(answer: WhyMember) -> list[str]:
    """Its own word, an operator's, and what is under way to it."""
    under_way = [
        f"{proxy}: {count} requests are under way to it" for proxy, count in answer.under_way.items()
    ]
    return _inside(answer, [*_pool_member(answer), *_checks(answer.checks), *under_way])


def _pool_member(pool_member: PoolMember | WhyMember) -> list[str]:
    own = {"": "named by the estate", "unknown": "nothing is heard of it: the proxies' own checks decide"}
    found = [
        f"weight {pool_member.weight}; {own.get(pool_member.health, f'{pool_member.health} by its own word')}"
    ]
    override = pool_member.override
    if override is None or (override.state == "ready" and override.weight is None):
        return found
    return [
        *found,
        _by(override.state if override.state != "ready" else f"weight {override.weight}", override),
    ]


def _by(what: str, override: Override) -> str:
    return f"{what} by {override.by}: {override.reason or 'no reason given'}"


def _checks(checks: Mapping[str, bool]) -> list[str]:
    found = {True: [p for p, up in checks.items() if up], False: [p for p, up in checks.items() if not up]}
    words = {True: "up", False: "down"}
    return [f"found {words[up]} by the checks of {', '.join(names)}" for up, names in found.items() if names]


def _inside(answer: WhyHost | WhyMember, stands: list[str]) -> list[str]:
    moments = [(each.at, _decision(each)) for each in answer.decisions]
    moments += _moments(answer.turns)
    moments.sort(key=lambda each: each[0], reverse=True)
    told = (line for _, texts in moments for line in texts)
    return [f"{answer.target}, {answer.site}", *(f"  {line}" for line in [*stands, *told])]


def _decision(row: Decision) -> list[str]:
    reason = f": {row.reason}" if row.reason else ""
    found = [
        f"{clock(row.at)}  {row.word:<8} {CAME_OF.get(row.kind, row.kind)} {row.target} by {row.by}{reason}"
    ]
    figures = row.figures
    if row.granted and row.kind in ("drain-site", "shift-site") and figures.sites_before:
        full = _full(figures.full_before, figures.full_after)
        found.append(
            f"          {figures.sites_after} of {figures.sites_before} sites were left to carry{full}"
        )
    elif row.granted and figures.peers_of:
        found.append(f"          {figures.peers} of {figures.peers_of} were left")
    for said in row.objections:
        found.append(f"          {said.rule}: {said.text}" + (" (overruled)" if said.overruled else ""))
    return found


def _full(before: float | None, after: float | None) -> str:
    return "" if before is None or after is None else f"; {before:.0%} full before, {after:.0%} then"


def _moments(turns: Iterable[Turn]) -> Iterator[tuple[float, list[str]]]:
    """When, and a line for what one proxy found at about that time, of each of the pools. turns: newest first."""
    pools: dict[tuple[str, bool, str, float], list[str]] = {}
    for turn in reversed(tuple(turns)):
        last = [key for key in pools if key[:3] == (turn.proxy, turn.up, turn.why)][-1:]
        near = [key for key in last if turn.at - key[3] <= TOGETHER_S]
        key = near[0] if near else (turn.proxy, turn.up, turn.why, turn.at)
        pools.setdefault(key, []).append(turn.member.partition("/")[0])
    for (proxy, up, why, at), names in pools.items():
        where = ", ".join(sorted(set(names)))
        line = f"{clock(at)}  found {'up again' if up else 'down'} in {where} by the checks of {proxy}"
        yield at, [f"{line}: {why}" if why else line]
