"""The YAML of what was imported: one line a network and a host. Only names, numbers and addresses stand in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from trimtab.estate.importing.plan import Line, Net, SitePlan


def lines(plans: Mapping[str, SitePlan]) -> Iterator[str]:
    """Below `sites`, as the estate's file has it."""
    yield "sites:"
    for site, plan in plans.items():
        yield f"  {site}:"
        yield f"    hosts: {{{', '.join(f'{group}: {count}' for group, count in plan.hosts.items())}}}"
        yield from (f"    {each}" for each in entry(plan))


def entry(plan: SitePlan) -> Iterator[str]:
    """Of one site, without its indentation."""
    yield "networks:"
    yield from (f"  {net.name}: {_net(net)}" for net in plan.nets)
    yield "machines:"
    yield from (f"  {line.name}: {_line(line)}" for line in plan.lines)


def _net(net: Net) -> str:
    parts = [f"groups: [{', '.join(net.groups)}]"]
    if net.number is not None:
        parts.append(f"vlan: {net.number}")
    parts.append(f"prefixes: {_list(net.prefixes)}")
    if net.gateways:
        parts.append(f"gateway: {_list(net.gateways)}")
    if net.interface:
        parts.append(f"interface: {quoted(net.interface)}")
    return f"{{{', '.join(parts)}}}"


def _line(line: Line) -> str:
    parts = [f"group: {line.group}", f"number: {line.number}", f"addresses: {_list(line.addresses)}"]
    if line.interface:
        parts.append(f"interface: {quoted(line.interface)}")
    return f"{{{', '.join(parts)}}}"


def _list(values: Iterable[object]) -> str:
    """A colon in a list of YAML's would begin a map."""
    return f"[{', '.join(quoted(str(value)) for value in values)}]"


def quoted(value: str) -> str:
    return f'"{value}"' if ":" in value else value
