"""Worlds that fit on a line: `world("hk sg:unreachable ny:serving/withdraw@ann")` is three sites, each NAME:WORD/STEP@WHOSE~SECONDS.

Seconds: for how long its word has been what it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trimtab.ops.arbiter.decide import Answer, decide
from trimtab.ops.arbiter.world import Freeze, Grant, Limits, Permit, PoolState, Request, SiteState, World

NOW = 1_800_000_000.0
FROZEN = Freeze("ann", "the big sale", NOW - 60)
WORKS: dict[str, bool | None] = {"+": True, "-": False, "?": None}


def site(text: str, capacity: float | None = None, proxies: str = "++") -> SiteState:
    """proxies: one sign each, + works, - does not, ? nobody knows."""
    text, _, lasts = text.partition("~")
    rest, _, step = text.partition("/")
    step, _, whose = step.partition("@")
    name, _, word = rest.partition(":")
    stands: Any = {
        "state": word or "serving",
        "step": step or "serve",
        "drained_by": whose,
        "gone": bool(whose),
        "since": NOW - float(lasts) if lasts else 0.0,
    }
    found = {f"{name}-p{i}": WORKS[sign] for i, sign in enumerate(proxies, 1)}
    return SiteState(name, capacity=capacity, agree=3, of=3, proxies=found, **stands)


def world(
    text: str = "hk sg ny",
    limits: Limits = Limits(),  # noqa: B008  frozen
    *,
    capacity: float | None = None,
    proxies: str = "++",
    pools: Iterable[PoolState] = (),
    permits: Iterable[Permit] = (),
    grants: Iterable[Grant] = (),
    freeze: Freeze | None = None,
) -> World:
    sites = {made.name: made for made in (site(each, capacity, proxies) for each in text.split())}
    return World(sites, tuple(pools), tuple(permits), tuple(grants), freeze, limits)


def pool(members: str, name: str = "api", at: str = "hk") -> PoolState:
    """+ is well, - is not, ? is asked to serve and says nothing."""
    signs = {f"b{i}": sign for i, sign in enumerate(members, 1)}
    unknown = frozenset(each for each, sign in signs.items() if sign == "?")
    return PoolState(at, name, {each: sign == "+" for each, sign in signs.items()}, unknown=unknown)


def drain(name: str = "hk", **more: Any) -> Request:
    return Request("drain-site", name, name, "bob", **more)


def shift(name: str = "hk", **more: Any) -> Request:
    return Request("shift-site", name, name, "bob", **more)


def drain_proxy(name: str = "hk-p1", at: str = "hk", **more: Any) -> Request:
    return Request("drain-proxy", at, name, "bob", **more)


def drain_member(target: str = "api/b1", at: str = "hk", **more: Any) -> Request:
    return Request("drain-member", at, target, "bob", **more)


def permit(kind: Any = "drain-site", at: str = "sg", target: str = "", reason: str = "cabling") -> Permit:
    return Permit("p1", kind, at, target or at, "ann", reason, NOW - 30, 300.0)


def grants(*ago: float) -> tuple[Grant, ...]:
    """So many seconds ago each."""
    return tuple(Grant(NOW - seconds, "drain-site", "sg", f"t{i}") for i, seconds in enumerate(ago))


def asked(given: World, request: Request) -> Answer:
    return decide(given, request, NOW)


def rules_of(answer: Answer) -> list[str]:
    return [each.rule for each in answer.objections]


def text_of(answer: Answer, rule: str) -> str:
    return next(each.text for each in answer.objections if each.rule == rule)
