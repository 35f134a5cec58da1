"""What a drain tells while it works, in lines."""

from __future__ import annotations

import time

from trimtab.answers.drain import Answered, Effect, Ended, Event
from trimtab.cli import flows


def lines(event: Event) -> list[str]:
    """None where there is nothing to say, or the error that ends the command says it."""
    match event.event:
        case "effect":
            return [_of_site(event) if event.target == event.site else _of_local(event)]
        case "step":
            told = time.strftime("%H:%M:%S", time.localtime(event.at))
            return [f"{told}  {event.step:<9} {event.why}"]
        case "answer":
            return _answered(event)
        case "ended":
            return _moved(event)
        case _:
            return []


def _of_site(effect: Effect) -> str:
    """Who carries without the site, and how full they would be."""
    if not effect.takes:
        return f"{effect.site} is out of service already. In service: {_names(effect.sites_after)}"
    load = "Peak load unknown: the estate states no peak, or no `measured` for its proxies"
    if not effect.sites_after:
        load = "No site would remain in service"
    elif effect.full_before is not None and effect.full_after is not None:
        load = f"Peak load {effect.full_before:.0%} → {effect.full_after:.0%} of capacity"
    before, after = _names(effect.sites_before), _names(effect.sites_after)
    return f"In service: {before}. After draining {effect.site}: {after}. {load}"


def _names(sites: tuple[str, ...]) -> str:
    return ", ".join(sites) or "none"


def _of_local(effect: Effect) -> str:
    """Who is left, of how many."""
    what = "members" if "/" in effect.target else "proxies"
    left = f"{effect.peers} of {effect.peers_of} {what} healthy without it at {effect.site}"
    return f"{effect.target}: {left}" if effect.takes else f"{effect.target}: no traffic; {left}"


def _answered(answer: Answered) -> list[str]:
    """Where it is refused the error says why."""
    if not answer.granted:
        return []
    overruled = [f"  {each.rule}: {each.text} (overruled)" for each in answer.objections if each.overruled]
    return [f"{answer.target}: would be granted", *overruled]


def _moved(ended: Ended) -> list[str]:
    found = ended.connections
    return [f"{ended.site}: {flows.line(ended.site, found.before, found.after)}"] if found else []
