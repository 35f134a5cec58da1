"""More health checks a second than a proxy should make."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.daemons.across import asked
from trimtab.estate.pool import Pool
from trimtab.timing.checks import ROUND_TRIPS

NAME = "check-storm"
SEVERITY = Severity.ERROR
TITLE = "more health checks a second than a proxy should make"
WHY = (
    "Every proxy checks every member by itself. With hundreds of members and a short interval the checks "
    "alone keep the event loop busy; they then come late, members are taken for dead, the interval falls "
    "to `fast` and makes more of them. `fast` counts, because in a disturbance all members are in doubt "
    "at once."
)
SOURCE = (
    "HAProxy Configuration Manual 5.2, `inter` and `fastinter`; field experience: with hundreds of "
    "members 1 s is short enough"
)
BAD = """\
sites:
  one:
    hosts: {router: 2, proxy: 2, backend: 200}
pools:
  web: {hosts: backend, port: 8080, check: {get: /health, fast: 100ms}}
"""
GOOD = """\
sites:
  one:
    hosts: {router: 2, proxy: 2, backend: 200}
pools:
  web: {hosts: backend, port: 8080, check: {get: /health, every: 2s, fast: 1s}}
  api: {hosts: backend, port: 8081, check: {get: /api/health, every: 2s, fast: 1s}}
"""
FIX = "Set `fast` to 1s and `every` to 2s in pools with hundreds of members."


MOST_A_SECOND = 500.0


def find(subject: Subject) -> Iterator[Hit]:
    if not subject.engine.checks:
        return  # it learns from real requests
    for site in subject.fronts:
        rates = {name: _rate(subject, site, pool) for name, pool in subject.used_pools()}
        total = sum(rates.values())
        if total > MOST_A_SECOND:
            worst = max(sorted(rates), key=lambda name: rates[name])
            yield Hit(
                ("pools", worst, "check"),
                f"in doubt each proxy of {site} makes {total:.0f} checks a second ({rates[worst]:.0f} of {worst}), the limit "
                f"is {MOST_A_SECOND:.0f}",
                "set `fast` to 1s in large pools, and `every` to 2s",
            )
            return  # the other sites say the same


def _rate(subject: Subject, site: str, pool: Pool) -> float:
    """Checks a second of one proxy while every member is in doubt, and the other sites that it may ask."""
    hosts = subject.estate.sites[site].hosts
    groups = [hosts[g].high for g in (pool.hosts, pool.backup) if g in hosts]
    pause = min(pool.check.fast, pool.check.every)
    # the next check of a server begins when the one before has ended, and that of another site is some round trips away
    afar = sum(
        len(subject.inventory.front(other)) / (pause + ROUND_TRIPS * rtt)
        for rtt, other in asked(subject.inventory, pool, site)
    )
    return (sum(groups) + len(pool.members or ())) / pause + afar
