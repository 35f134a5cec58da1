"""Hosts, networks, addresses and flows as tables: text, Markdown, CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from trimtab.answers.show import Flow, NetworkPlan


@dataclass(frozen=True, slots=True)
class Table:
    """rows: cells as text, as many as `head` has."""

    name: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(plan: NetworkPlan) -> list[Table]:
    return [
        Table(
            "networks",
            ("site", "network", "vlan", "interface", "prefixes", "gateways", "groups", "is"),
            tuple(
                (n.site, n.network, _number(n.vlan), n.interface, " ".join(n.prefixes), " ".join(n.gateways),
                 " ".join(n.groups), "stated" if n.stated else "derived")
                for n in plan.networks
            ),
        ),
        Table(
            "hosts",
            ("site", "host", "group", "network", "interface", "addresses"),
            tuple((h.site, h.host, h.group, h.network, h.interface, " ".join(h.addresses)) for h in plan.hosts),
        ),
        Table(
            "addresses",
            ("site", "address", "kind", "of", "at"),
            tuple((a.site, a.address, a.kind, " ".join(a.of), a.at) for a in plan.addresses),
        ),
        Table(
            "links",
            ("site", "host", "upstream", "asn", "role", "interface", "address", "peer", "is"),
            tuple(
                (k.site, k.host, k.upstream, str(k.asn), k.role, k.interface or "-", k.address, k.peer,
                 "stated" if k.stated else "derived")
                for k in plan.links
            ),
        ),
        Table(
            "flows",
            ("site", "from", "to", "protocol", "ports", "for"),
            tuple((f.site, f.source, f.target, f.protocol, ports(f), f.purpose) for f in plan.flows),
        ),
    ]  # fmt: skip


def _number(vlan: int | None) -> str:
    return "-" if vlan is None else str(vlan)


def ports(flow: Flow) -> str:
    return ", ".join(map(str, flow.ports)) or "-"


def text(found: Iterable[Table]) -> Iterator[str]:
    for number, table in enumerate(found):
        if number:
            yield ""
        widths = [max(map(len, column)) for column in zip(table.head, *table.rows, strict=True)]
        for row in (table.head, *table.rows):
            yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def markdown(found: Iterable[Table]) -> Iterator[str]:
    for number, table in enumerate(found):
        yield from ("",) if number else ()
        yield from (f"### {table.name}", "", _piped(table.head), _piped(["---"] * len(table.head)))
        yield from map(_piped, table.rows)


def _piped(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def comma_separated(found: Iterable[Table]) -> Iterator[str]:
    """Each table with its head, a blank line between two."""
    for number, table in enumerate(found):
        yield from ("",) if number else ()
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows((table.head, *table.rows))
        yield from out.getvalue().rstrip("\n").split("\n")
