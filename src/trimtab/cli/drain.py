"""`trimtab drain`, `undrain`, `freeze`: what takes capacity away asks the arbiter, and says what it will cost before."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from trimtab.answers.drain import Connections
from trimtab.answers.freeze import Freeze as Answer
from trimtab.cli import drain_local, flows
from trimtab.cli.estate_store import asked, site_named
from trimtab.cli.events import Events
from trimtab.cli.lab import TwinName
from trimtab.cli.local_words import dry, end
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json, JsonLines
from trimtab.cli.output import show
from trimtab.cli.registries import DryRun
from trimtab.cli.session import Reason, TwinOption, begin, reason_option
from trimtab.errors import BadInput
from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import apiece
from trimtab.ops.arbiter.world import Freeze, Request
from trimtab.ops.drain import plan, writes
from trimtab.ops.drain.coordinator import Coordinator
from trimtab.ops.drain.of_estate import facts_of, watching_of
from trimtab.ops.drain.plan import Move
from trimtab.ops.overrides.member import write_planned
from trimtab.registry.base import Registry

TargetArgument = Annotated[
    str, typer.Argument(help="a site that serves, a proxy's host, or POOL/MEMBER", metavar="TARGET")
]
BackArgument = Annotated[
    str,
    typer.Argument(
        help="a site with services (whatever its state), a proxy's host, or POOL/MEMBER", metavar="TARGET"
    ),
]
At = Annotated[str | None, typer.Option("--site", help="of a member that more than one site has")]
Wait = Annotated[
    float,
    typer.Option("--wait", help="seconds to wait for what is under way to a member", min=0.0, max=3600.0),
]
Over = Annotated[
    float, typer.Option("--over", help="seconds in which a member's share grows back", min=0.0, max=3600.0)
]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="over the rules that docs/arbiter.md marks as overruled by force; needs --reason"
    ),
]
BackReason = Annotated[str, reason_option("it is kept, and `trimtab why` says it")]
FreezeReason = Annotated[str, reason_option("it is kept with the freeze, and who is refused is told it")]


def drain(
    target: TargetArgument,
    estate: EstateFile = DEFAULT_ESTATE,
    at: At = None,
    reason: Reason = "",
    force: Force = False,
    dry_run: DryRun = False,
    wait: Wait = 60.0,
    twin: TwinOption = False,
    name: TwinName = None,
    json: JsonLines = False,
) -> int:
    """Take out a site (its prefixes become second choice, then leave), a proxy (another one takes its addresses) or a member
    (it takes nothing new), until `undrain`. Atomic: an interrupted drain is rolled back or complete.
    Runs as root on a host of the estate, or with --twin in its running twin.
    """
    session = begin(estate, twin, name, reason, force)
    inventory, who = session.inventory, session.who
    if (local := drain_local.named(inventory, target, at)) is not None:
        return drain_local.drain(inventory, local, who, drain_local.Options(force, dry_run, wait, json))
    site = site_named(inventory, target)
    _refuse_led(inventory, site)

    async def ask(store: Registry) -> int:
        coordinator = _coordinator(inventory, store, events)
        request = Request("drain-site", site, site, who.by, who.reason, force=force)
        _, answer = await coordinator.look(request)
        events.effect(request, answer)
        if dry_run:
            return dry([(request, answer)], events)
        before = await flows.connections(inventory, site)
        finished = await coordinator.drain(request)
        after = await flows.connections(inventory, site)
        return end(finished, site, site, events, Connections(before, after))

    events = Events(json)
    with events.ends():
        return asyncio.run(with_store(inventory, ask))


def undrain(
    target: BackArgument,
    estate: EstateFile = DEFAULT_ESTATE,
    at: At = None,
    reason: BackReason = "",
    over: Over = 10.0,
    twin: TwinOption = False,
    name: TwinName = None,
    json: JsonLines = False,
) -> int:
    """Bring back what is drained: a site as second choice first, and for good once its site endpoint is known to serve; a proxy
    may hold addresses again; a member comes with a growing share. Runs as root on a host of the estate, or with --twin in its
    running twin.
    """
    session = begin(estate, twin, name, reason)
    inventory, who = session.inventory, session.who
    if (local := drain_local.named(inventory, target, at)) is not None:
        return drain_local.undrain(inventory, local, who, over, json)
    site = site_named(inventory, target)

    async def ask(store: Registry) -> int:
        coordinator = _coordinator(inventory, store, events)
        return end(await coordinator.undrain(site, who.by, who.reason), site, site, events)

    events = Events(json)
    with events.ends():
        return asyncio.run(with_store(inventory, ask))


def freeze(
    estate: EstateFile = DEFAULT_ESTATE,
    reason: FreezeReason = "",
    off: Annotated[bool, typer.Option("--off", help="allow changes again")] = False,
    twin: TwinOption = False,
    name: TwinName = None,
    json: Json = False,
) -> int:
    """Nothing is taken away by choice until `freeze --off`. What is dead leaves all the same. Where somebody has frozen the
    estate already, that is said, and stands. Runs as root on a host of the estate, or with --twin in its running twin.
    """
    if not off and not reason:
        raise BadInput("a freeze needs a reason", "--reason WHY: who is refused is told it")
    session = begin(estate, twin, name, reason)
    inventory, who = session.inventory, session.who

    async def ask(store: Registry) -> int:
        word = Freeze(who.by, who.reason, who.at)
        plan = writes.thaw if off else writes.freeze
        changed = await write_planned(store, lambda found: plan(found, word))
        said = "changes are allowed" if off else f"frozen by {who.by}: {reason}"
        show(Answer(not off, changed), json, lambda answer: [said if answer.changed else "no change"])
        return 0

    return asyncio.run(with_store(inventory, ask))


def _refuse_led(inventory: Inventory, site: str) -> None:
    """Raises BadInput for a site that nothing of ours leads clients to or away from."""
    if apiece(inventory, site):
        first = inventory.front(site)[0].name
        raise BadInput(
            f"{site} announces nothing (`front: none`), so there is nothing to withdraw",
            f"take its addresses out of DNS, or out of the balancer; one proxy after the other: `trimtab drain {first}`",
        )


async def with_store(inventory: Inventory, ask: Any) -> int:
    """ask: what is done with the estate's store; its exit code."""
    async with asked(inventory) as store:
        code: int = await ask(store)
        return code


def _coordinator(inventory: Inventory, store: Registry, events: Events) -> Coordinator:
    def tell(move: Move) -> None:
        events.step(_word(move), move.why)

    of, facts, watching = inventory.estate.arbiter, facts_of(inventory), watching_of(inventory)
    ramp, pause = of.ramp.prepend, of.ramp.pause
    return Coordinator(store, facts, watching, tell, settle_s=of.settle, ramp=ramp, pause_s=pause)


def _word(move: Move) -> str:
    words = {
        plan.SetStep: getattr(move, "step", ""), plan.Wait: "waits", plan.Commit: "commits", plan.Undo: "undoes",
        plan.Finished: "done" if getattr(move, "done", False) else "not done",
    }  # fmt: skip
    return words[type(move)]
