"""`trimtab show`: what an estate comes to: hosts, addresses, VIPs, numbers; with --network its networks and flows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from trimtab.answers.codec import plain
from trimtab.answers.show import Shown, ShownHost, ShownService, ShownSite
from trimtab.cli.network import network
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json, named
from trimtab.cli.output import log, print_json, print_line, write_picture
from trimtab.cli.output import show as show_answer
from trimtab.cli.views import network as views
from trimtab.cli.views.network_picture import svg
from trimtab.daemons.load import load_estate
from trimtab.errors import BadInput
from trimtab.estate.addressing import FAMILIES
from trimtab.estate.inventory import Inventory
from trimtab.estate.reached import reached_at

Network = Annotated[
    bool,
    typer.Option("--network", help="networks, hosts in them, shared addresses, and who speaks with whom"),
]
Markdown = Annotated[bool, typer.Option("--markdown", help="the tables of --network as Markdown")]
Csv = Annotated[bool, typer.Option("--csv", help="the tables of --network as CSV, a blank line between two")]
Only = Annotated[
    str, typer.Option("--table", help="one of them: networks, hosts, addresses, links, flows", metavar="NAME")
]
Picture = Annotated[
    Path | None,
    typer.Option(
        "--picture", help="a picture of --network, written there as SVG", metavar="FILE", parser=named
    ),
]


def show(
    estate: EstateFile = DEFAULT_ESTATE,
    network: Network = False,
    markdown: Markdown = False,
    csv: Csv = False,
    table: Only = "",
    picture: Picture = None,
    json: Json = False,
) -> int:
    """Print every host, address, VIP and prefix of an estate; with --network its networks and flows too."""
    if not network and (markdown or csv or table or picture):
        raise BadInput("tables and pictures are those of --network", "add `--network`")
    inventory = Inventory(load_estate(estate))
    if network:
        return _network(inventory, markdown, csv, table, picture, json)
    show_answer(shown(inventory), json, _lines)
    return 0


def _network(
    inventory: Inventory, markdown: bool, csv: bool, table: str, picture: Path | None, json: bool
) -> int:
    if markdown + csv + json > 1:
        raise BadInput("two forms at once", "one of --markdown, --csv and --json")
    plan = network(inventory)
    found = [each for each in views.tables(plan) if table in ("", each.name)]
    if not found:
        raise BadInput(
            f"there is no table `{table}`", f"there is {', '.join(t.name for t in views.tables(plan))}"
        )
    if picture is not None:
        write_picture(picture, svg(plan))
        log(f"wrote {picture}")
    if json:
        print_json(plain(plan))
    elif picture is None or markdown or csv or table:
        form = views.markdown if markdown else views.comma_separated if csv else views.text
        for line in form(found):
            print_line(line)
    return 0


def _lines(found: Shown) -> Iterator[str]:
    for site in found.sites:
        told = f"AS{site.asn}  announces {', '.join(site.announces)}"
        yield f"{site.name}  id {site.id}  {told if site.announces or site.asn else 'announces nothing'}"
        for host in site.hosts:
            vlan = "no tag" if host.vlan is None else f"vlan {host.vlan}"
            yield f"  {host.name:<28} {host.ipv4:<15} {host.ipv6:<20} {vlan}  {', '.join(host.roles)}"
    for service in found.services:
        yield f"{service.name}  {', '.join(service.names)}"
        for site_name, addresses in service.vips.items():
            yield f"  {site_name:<28} {', '.join(addresses)}"
        for site_name, addresses in service.internal.items():
            yield f"  {site_name:<28} {', '.join(addresses)}  internal"


def shown(inventory: Inventory) -> Shown:
    """Of the whole estate."""
    return Shown(
        inventory.estate.estate,
        tuple(_site(inventory, name) for name in inventory.site_names()),
        tuple(_service(inventory, name) for name in sorted(inventory.estate.services)),
    )


def _site(inventory: Inventory, name: str) -> ShownSite:
    return ShownSite(
        name,
        inventory.estate.sites[name].id,
        inventory.asn(name),
        tuple(str(p) for f in FAMILIES for p in inventory.announced(name, f)),
        tuple(ShownHost(h.name, h.v4, h.v6, h.vlan.id, h.roles) for h in inventory.at(name)),
    )


def _service(inventory: Inventory, name: str) -> ShownService:
    service, sites = inventory.estate.services[name], inventory.site_names()
    vips = {s: tuple(str(a) for f in FAMILIES for a in reached_at(inventory, service, s, f)) for s in sites}
    inside = {
        s: tuple(str(a) for f in FAMILIES for a in inventory.internal_vips(s, f) if a in service.internal)
        for s in sites
    }
    return ShownService(
        name, service.names, {s: v for s, v in vips.items() if v}, {s: v for s, v in inside.items() if v}
    )
