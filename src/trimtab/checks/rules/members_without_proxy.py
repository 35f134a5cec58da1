"""A site has members, but no proxy that leads to them."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "members-without-proxy"
SEVERITY = Severity.WARNING
TITLE = "a site has members, but no proxy that leads to them"
WHY = (
    "A proxy balances over the hosts of its own site. Where none runs, the members wait for requests that "
    "never come, and they count for nothing when another site is lost."
)
SOURCE = "docs/estate.md, pools (`hosts`: its hosts of the same site)"
BAD = """\
sites:
  one:
    hosts: {router: 2, proxy: 0..4, backend: 4}
"""
GOOD = """\
sites:
  one:
    hosts: {router: 2, proxy: 2..4, backend: 4}
"""
FIX = "Add proxies to the site, or take the members out."


def find(subject: Subject) -> Iterator[Hit]:
    if not subject.fronts:
        return  # `nobody-serves` says it for all
    groups = {group for _, pool in subject.used_pools() for group in (pool.hosts, pool.backup) if group}
    for site in subject.inventory.site_names():
        waiting = {g: len(subject.inventory.in_group(site, g)) for g in sorted(groups)}
        listed = [f"{count} {group}" for group, count in waiting.items() if count]
        if listed and site not in subject.fronts:
            yield Hit(
                ("sites", site, "hosts"),
                f"{site} has {' and '.join(listed)} and no proxy: no request reaches them",
                "add `proxy: 2` or take them out",
            )
