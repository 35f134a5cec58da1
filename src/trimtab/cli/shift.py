"""`trimtab shift`: a part of a site's traffic is moved away while the site stays announced, by what its upstreams are told."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from trimtab.cli.drain import Force, with_store
from trimtab.cli.estate_store import site_named
from trimtab.cli.events import Events
from trimtab.cli.lab import TwinName
from trimtab.cli.local_words import dry, end
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, JsonLines
from trimtab.cli.registries import DryRun
from trimtab.cli.session import Reason, TwinOption, begin
from trimtab.errors import BadInput
from trimtab.estate.community import parse_community
from trimtab.estate.inventory import Inventory
from trimtab.ops.arbiter.world import Request
from trimtab.ops.drain.of_estate import facts_of, watching_of
from trimtab.ops.drain.plan import Finished
from trimtab.ops.drain.shifting import Shifting
from trimtab.ops.steering.shift import MOST_COMMUNITIES, MOST_PREPENDS, UpstreamShift
from trimtab.registry.base import Registry

SiteArgument = Annotated[str, typer.Argument(help="a site that serves", metavar="SITE")]
Upstreams = Annotated[
    list[str] | None, typer.Option("--upstream", "-u", help="towards this one, may be repeated; = all")
]
Prepend = Annotated[
    int, typer.Option("--prepend", help="our AS so often more in the path", min=0, max=MOST_PREPENDS)
]
Med = Annotated[int, typer.Option("--med", help="in the place of the estate's", min=0, max=2**32 - 1)]
Communities = Annotated[
    list[str] | None, typer.Option("--community", help="of the upstream's own, `64500:3`; may be repeated")
]
Clear = Annotated[bool, typer.Option("--clear", help="as the estate has it again")]


def shift(
    site: SiteArgument,
    estate: EstateFile = DEFAULT_ESTATE,
    upstream: Upstreams = None,
    prepend: Prepend = 0,
    med: Med = 0,
    community: Communities = None,
    clear: Clear = False,
    reason: Reason = "",
    force: Force = False,
    dry_run: DryRun = False,
    twin: TwinOption = False,
    name: TwinName = None,
    json: JsonLines = False,
) -> int:
    """Move a part of a site's traffic away without taking it out: a longer path, a MED or communities towards its upstreams, until
    `--clear`. Of each upstream the last word stands. What may go elsewhere is judged as by a drain of the site.
    Runs as root on a host of the estate, or with --twin in its running twin.
    """
    asked = _asked(prepend, med, community or [], clear)
    session = begin(estate, twin, name, reason, force)
    inventory, who = session.inventory, session.who
    site = site_named(inventory, site)
    named = _named(inventory, site, upstream or [])
    _not_ours(inventory, asked)

    async def ask(store: Registry) -> int:
        shifting = Shifting(store, facts_of(inventory), watching_of(inventory), events.step)
        if asked is None:
            request = Request("unshift-site", site, site, who.by, who.reason)
            return _end(await shifting.clear(request, named, dry_run), site, events)
        request = Request("shift-site", site, site, who.by, who.reason, force=force)
        _, answer = await shifting.look(request)
        events.effect(request, answer)
        if dry_run:
            return dry([(request, answer)], events)
        return _end(await shifting.shift(request, named, asked), site, events)

    events = Events(json)
    with events.ends():
        return asyncio.run(with_store(inventory, ask))


def _end(finished: Finished, site: str, events: Events) -> int:
    events.step("done" if finished.done else "not done", finished.why)
    return end(finished, site, site, events)


def _asked(prepend: int, med: int, communities: list[str], clear: bool) -> UpstreamShift | None:
    """None for --clear. Raises BadInput."""
    if clear == bool(prepend or med or communities):
        raise BadInput(
            "what an upstream is to be told, or --clear: one of both",
            "--prepend N, --med N, --community C, together or alone; --clear ends it",
        )
    if len(communities) > MOST_COMMUNITIES:
        raise BadInput(f"{len(communities)} communities", f"at most {MOST_COMMUNITIES}")
    try:
        found = {parse_community(each).parts for each in communities}
    except ValueError as error:
        raise BadInput(f"--community: {error}", "as the upstream documents its own: `64500:3`") from error
    if any(each[0] == 65535 and len(each) == 2 for each in found):
        raise BadInput(
            "--community: well-known ones (65535:…) take the prefix away, or drop what comes to it",
            "`trimtab drain` takes a site out, by GRACEFUL_SHUTDOWN first; here the upstream's own ones belong",
        )
    return None if clear else UpstreamShift("", prepend, med, tuple(sorted(found)))


def _not_ours(inventory: Inventory, asked: UpstreamShift | None) -> None:
    """Large communities of the estate's own say where routes were learnt: they never leave it. Raises BadInput."""
    ours = {inventory.asn(site) or 64512 for site in inventory.site_names()}
    for each in asked.communities if asked else ():
        if len(each) == 3 and each[0] in ours:
            raise BadInput(
                f"--community: {':'.join(map(str, each))} is the estate's own, which no upstream acts on",
                "one of the upstream's: it begins with its AS",
            )


def _named(inventory: Inventory, site: str, upstreams: list[str]) -> tuple[str, ...]:
    """Raises BadInput for one that the site does not have."""
    known = sorted(inventory.estate.sites[site].upstreams)
    for each in upstreams:
        if each not in known:
            raise BadInput(f"{site} has no upstream {each!r}", f"there are: {', '.join(known) or 'none'}")
    if not known:
        raise BadInput(f"{site} has no upstreams", "a shift is what its upstreams are told")
    return tuple(sorted(set(upstreams))) or tuple(known)
