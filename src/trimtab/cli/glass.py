"""The looking glass: who can be asked of a prefix or address, and everybody's answer in one form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path as File

from trimtab.answers.glass import Glass, Known, Path
from trimtab.cli.routes_seen import Ask, Say
from trimtab.daemons.announcing import has_routes, speaker
from trimtab.daemons.bird import glass as bird
from trimtab.daemons.bird.defence import rpki
from trimtab.daemons.exabgp import glass as exabgp
from trimtab.daemons.exabgp.config import TOLD
from trimtab.daemons.frr import glass as frr
from trimtab.daemons.frr.wire import NAME as FRR
from trimtab.daemons.frr.wire import show_route
from trimtab.errors import BadInput, TrimtabError, Unreachable
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import speakers


@dataclass(frozen=True, slots=True)
class Around:
    """Who is asked, and how. here: this machine's name, "" where a whole twin is asked.  others: machines of other networks, each
    with what it speaks BGP with.  says: None where only BIRD of this machine can be asked.
    """

    inventory: Inventory
    here: str
    others: Mapping[str, str]
    birds: Ask
    says: Say | None

    def routers(self) -> list[Host]:
        """Raises BadInput for a machine that is none."""
        sites = self.inventory.site_names()
        return self._own([host for site in sites for host in self.inventory.routers(site)], "no router")

    def speakers(self) -> list[Host]:
        """Routers, and whoever else speaks BGP with other networks. Raises BadInput for a machine that does not."""
        found = {
            host.name: host
            for site in self.inventory.site_names()
            for host in (*self.inventory.routers(site), *speakers(self.inventory, site))
        }
        return self._own(list(found.values()), "no speaker of BGP")

    def _own(self, hosts: Sequence[Host], what: str) -> list[Host]:
        own = [host for host in hosts if not self.here or host.name == self.here]
        if self.here and not own:
            raise BadInput(
                f"{self.here} is {what} of {self.inventory.estate.estate}",
                "run this on a router, which is asked itself; or with --twin",
            )
        return own


def asked_for(text: str) -> str:
    """An address or a prefix as the daemons write it. Raises BadInput."""
    try:
        return str(ip_network(text)) if "/" in text else str(ip_address(text))
    except ValueError as error:
        raise BadInput(
            f"{text!r} is neither a prefix nor an address: {error}", "such as 203.0.113.0/24 or 2001:db8::a"
        ) from error


def glass(around: Around, what: str, vantage: str) -> Glass:
    """vantage: who is asked, "" for everybody. Raises BadInput for one that is not there."""
    ways: dict[str, Callable[[], Known]] = {}
    for host in around.speakers():
        ways[host.name] = partial(_host, around, host, what)
    for name in sorted(around.others):
        ways[name] = partial(_other, around, name, what)
    if vantage and vantage not in ways:
        raise BadInput(f"nobody here is called {vantage!r}", f"there are: {', '.join(ways)}")
    found: list[Known] = []
    silent: list[str] = []
    for name, ask in ways.items():
        if vantage in ("", name):
            try:
                found.append(ask())
            except TrimtabError as error:
                silent.append(f"{name}: {error.message}")
    return Glass(what, tuple(found), tuple(silent))


def _host(around: Around, host: Host, what: str) -> Known:
    inventory = around.inventory
    if not has_routes(inventory, host):
        said = around.says(host.name, ["cat", TOLD]) if around.says else _told_here()
        return Known(host.name, speaker(inventory, host), exabgp.known(what, said))
    asns = frozenset(map(inventory.asn, inventory.site_names()))
    roas = rpki(inventory, host.site) is not None
    return Known(
        host.name, speaker(inventory, host), _bird(around, host.name, bird.Asked(what, True, roas, asns))
    )


def _told_here() -> str:
    try:
        return File(TOLD).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise Unreachable(f"{TOLD}: {error}", "does exabgp.service run?") from error


def _other(around: Around, name: str, what: str) -> Known:
    speaks = around.others[name]
    if speaks == FRR and around.says is not None:
        return Known(name, speaks, frr.known(around.says(name, show_route(what))))
    return Known(name, speaks, _bird(around, name, bird.Asked(what, False, False, frozenset())))


def _bird(around: Around, name: str, asked: bird.Asked) -> tuple[Path, ...]:
    return bird.known(asked, around.birds(name, bird.questions(asked)))
