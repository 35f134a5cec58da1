"""Routes as tables: sessions, what is refused, and who hears us how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trimtab.answers.routes import Routes

SHOWN = 40


def lines(answer: Routes) -> list[str]:
    return [
        *_sessions(answer),
        *_refused(answer),
        *_heard(answer),
        *(f"no answer: {each}" for each in answer.silent),
    ]


def _sessions(answer: Routes) -> Iterator[str]:
    yield f"{'host':<16} {'session':<18} {'since':<13} {'taken':>8} {'refused':>8}  tells"
    for router in answer.routers:
        for each in router.sessions:
            tells = ", ".join(t.prefix + "".join(f" {c}" for c in t.communities) for t in each.told) or "-"
            since = each.since if each.up else "down"
            yield f"{router.router:<16} {each.session:<18} {since:<13} {each.taken:>8} {each.refused:>8}  {tells}"
        for prefix in router.blackholes:
            yield f"{router.router:<16} {'blackhole':<18} {prefix} is dropped"
        for told in router.validators:
            lists = f"{told.roas} ROAs{f', {told.aspas} ASPAs' if told.aspas else ''}"
            state = lists if told.up else f"does not answer, {lists} count still"
            yield f"{router.router:<16} {told.validator:<18} {state}"


def _refused(answer: Routes) -> Iterator[str]:
    rows = [(r.router, each, "") for r in answer.routers for each in r.refused]
    rows += [(r.router, each, " (taken: reject: none)") for r in answer.routers for each in r.would_refuse]
    if rows:
        yield ""
        yield f"{'refused by':<16} {'prefix':<24} {'why':<11} {'from':<18} path"
    for name, each, note in rows[:SHOWN]:
        yield f"{name:<16} {each.prefix:<24} {each.why:<11} {each.session:<18} {each.path}{note}"
    if len(rows) > SHOWN:
        yield f"and {len(rows) - SHOWN} more: --json has them"


def _heard(answer: Routes) -> Iterator[str]:
    """A line a prefix: site ← who has it there."""
    for prefix in dict.fromkeys(each.prefix for each in answer.heard):
        rows = [each for each in answer.heard if each.prefix == prefix]
        yield ""
        yield f"{prefix}:"
        for sites in dict.fromkeys(each.sites for each in rows):
            whom = [f"{r.vantage}{f' ({r.path})' if r.path else ''}" for r in rows if r.sites == sites]
            yield f"  {_where(sites):<12} {', '.join(whom)}"


def _where(sites: Sequence[str]) -> str:
    return "/".join(sites) if sites else "not heard"
