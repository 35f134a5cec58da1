"""One DNS node, or all of them in one site."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "one-dns-node"
SEVERITY = Severity.ERROR
TITLE = "one DNS node, or all of them in one site"
WHY = (
    "A zone with one reachable server ends with that server. If all of them stand in the site that is "
    "lost, nobody learns the addresses of the sites that are left."
)
SOURCE = "RFC 1034, 4.1; RFC 2182, 3.1 (servers in different places)"
BAD = """\
sites:
  one:
    hosts: {router: 2, proxy: 2, backend: 4, dns: 1}
"""
GOOD = """\
sites:
  one:
    hosts: {router: 2, proxy: 2, backend: 4, dns: 1}
  two:
    hosts: {router: 2, proxy: 2, backend: 4, dns: 1}
"""
FIX = "Put a host with the role `dns` in at least two sites."


def find(subject: Subject) -> Iterator[Hit]:
    nodes = subject.inventory.on_duty("dns")
    sites = {node.site for node in nodes}
    if len(sites) != 1:
        return
    number = "one DNS node" if len(nodes) == 1 else f"{len(nodes)} DNS nodes, all in {nodes[0].site}"
    yield Hit(
        ("sites", nodes[0].site, "hosts", nodes[0].group),
        f"the estate has {number}: with {nodes[0].site} gone, no name has an address",
        "put one in a second site too" if len(subject.estate.sites) > 1 else "add a second site with one",
    )
