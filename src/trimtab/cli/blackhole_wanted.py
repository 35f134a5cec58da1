"""What a black hole is asked for: hosts of the estate's own prefixes, sites that announce them, upstreams that accept it."""

from __future__ import annotations

from ipaddress import ip_address

from trimtab.cli.session import Session
from trimtab.daemons.bird.blackhole import takes_holes
from trimtab.errors import BadInput
from trimtab.estate.addressing import FAMILIES
from trimtab.estate.base import IPAddress
from trimtab.estate.inventory import Inventory
from trimtab.estate.quantity import parse_duration
from trimtab.ops.blackhole.hole import LEAST_S, LIMIT_S, Hole

MOST = 20  # of one command: a row each is kept


def wanted(
    session: Session, said: list[str], seconds: float, site: str | None, upstream: str | None
) -> list[Hole]:
    """One for each address, not numbered yet. Raises BadInput."""

    inventory, who = session.inventory, session.who
    _known(inventory, site, upstream)
    return [
        Hole(
            0, address, tuple(_sites(inventory, address, site, upstream)), (upstream,) if upstream else (),
            who.by, who.reason, who.at, round(who.at + seconds, 3),
        )
        for address in addresses_of(said)
    ]  # fmt: skip


def lasting(said: str | None) -> float:
    """Seconds. Raises BadInput."""

    try:
        seconds = parse_duration(said)
    except ValueError as error:
        raise BadInput(f"--for {said}: {error}", "a number and a unit: `30m`, `2h`") from error
    if not LEAST_S <= seconds <= LIMIT_S:
        raise BadInput(
            f"--for {said}", f"from {LEAST_S:g}s to {LIMIT_S / 3600:g}h: what lasts longer is asked for again"
        )
    return seconds


def addresses_of(said: list[str]) -> list[str]:
    """Each once, in its usual form. Raises BadInput."""
    found = list(dict.fromkeys(_address(word) for word in said))
    if len(found) > MOST:
        raise BadInput(f"{len(found)} addresses", f"at most {MOST} at once")
    return found


def _address(word: str) -> str:
    host = word.removesuffix("/128" if ":" in word else "/32")
    try:
        found = ip_address(host)
    except ValueError as error:
        hint = (
            "an address, 198.51.100.7 or 2001:db8::7; providers take whole prefixes over other ways than this"
        )
        raise BadInput(f"{word!r} is no single host", hint) from error
    if "%" in host:
        raise BadInput(f"{word!r} has a zone", "an address of a public prefix has none")
    return str(found)


def _known(inventory: Inventory, site: str | None, upstream: str | None) -> None:
    """Raises BadInput."""
    sites = inventory.estate.sites
    if site is not None and site not in sites:
        raise BadInput(f"no site {site!r}", f"there are: {', '.join(sites)}")
    accepting = sorted({n for s in sites.values() for n, u in s.upstreams.items() if u.blackhole is not None})
    if upstream is not None and upstream not in accepting:
        raise BadInput(
            f"no upstream {upstream!r} accepts black holes",
            f"there are: {', '.join(accepting) or 'none'}; `blackhole: true` at an upstream says that it does",
        )


def _sites(inventory: Inventory, address: str, site: str | None, upstream: str | None) -> list[str]:
    """Whose upstreams are told: they announce the prefix, and accept it. Raises BadInput."""
    host = ip_address(address)
    announce = [
        each for each in inventory.site_names() if inventory.front(each) and _is_of(inventory, each, host)
    ]
    if not announce:
        raise BadInput(
            f"{address} is in no prefix that the estate announces", f"its own are {_prefixes(inventory)}"
        )
    if site is not None and site not in announce:
        raise BadInput(
            f"{site} announces no prefix with {address}", f"{', '.join(announce)} do: --site, or none"
        )
    found = [
        each
        for each in ([site] if site else announce)
        if takes_holes(inventory, each) and (upstream is None or _accepts(inventory, each, upstream))
    ]
    if not found:
        whom = upstream or f"no upstream of {', '.join([site] if site else announce)}"
        raise BadInput(
            f"{address}: {whom} {'is at none of its sites' if upstream else 'accepts black holes'}",
            "`blackhole: true` at an upstream says that it does: docs/estate.md",
        )
    return found


def _accepts(inventory: Inventory, site: str, upstream: str) -> bool:
    found = inventory.estate.sites[site].upstreams.get(upstream)
    return found is not None and found.blackhole is not None


def _is_of(inventory: Inventory, site: str, host: IPAddress) -> bool:
    prefixes = [each for family in FAMILIES for each in inventory.announced(site, family)]
    return any(host.version == each.version and host in each for each in prefixes)


def _prefixes(inventory: Inventory) -> str:
    found = [str(p) for s in inventory.site_names() for f in FAMILIES for p in inventory.announced(s, f)]
    return ", ".join(dict.fromkeys(found)) or "none"
