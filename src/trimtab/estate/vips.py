"""Which services share an address, and so a listener; the version of TLS is agreed before a name is known."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from trimtab.estate.addressing import FAMILIES
from trimtab.estate.base import IPAddress
from trimtab.estate.inventory import Inventory
from trimtab.estate.reached import public_addresses
from trimtab.estate.service import Service

Entry = tuple[str, Service]
Token = tuple[int, int, str]  # sorts numbers before addresses


@lru_cache(maxsize=2)  # every proxy's files ask
def shared(inventory: Inventory) -> dict[str, list[Entry]]:
    """Key → the services that have an address in common, by name. The key is the VIP's number, or the first of the addresses
    where all are chosen; `:` is `_` in it.
    """
    services = sorted(inventory.estate.services.items())
    apart = any(site.front == "none" for site in inventory.estate.sites.values())
    if not apart and not any(service.chosen or service.internal for _, service in services):
        numbers = dict.fromkeys(sorted(service.vip for _, service in services))
        return {str(n): [(name, service) for name, service in services if service.vip == n] for n in numbers}
    first: dict[Token, Token] = {}

    def root(token: Token) -> Token:
        while (above := first.setdefault(token, token)) != token:
            token = above
        return token

    tokens = {name: list(_tokens(inventory, s)) for name, s in sorted(inventory.estate.services.items())}
    for own in tokens.values():
        roots = {root(token) for token in own}
        first.update(dict.fromkeys(roots, min(roots)))
    found: dict[Token, list[Entry]] = {}
    for name, own in tokens.items():
        found.setdefault(root(own[0]), []).append((name, inventory.estate.services[name]))
    return {token[2]: found[token] for token in sorted(found)}


def _tokens(inventory: Inventory, service: Service) -> Iterator[Token]:
    """Where each proxy has an address of its own all public services of the site are on it: the lowest stands for all."""
    chosen = {*service.chosen, *service.internal}
    found = {a for f in FAMILIES for a in inventory.service_vips(service, f).values()}
    if found - chosen or not (found or chosen):
        yield 0, service.vip, str(service.vip)
    yield from (_token(address) for address in found | chosen)
    if inventory.is_by_site(service):
        for site in inventory.site_names():
            yield from (
                _token(address) for f in FAMILIES for address in public_addresses(inventory, site, f)[:1]
            )


def _token(address: IPAddress) -> Token:
    return address.version, int(address), str(address).replace(":", "_")
