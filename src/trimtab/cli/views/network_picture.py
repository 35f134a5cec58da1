"""The networks of an estate as a picture: a box for each network with its hosts, and who speaks with whom beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from trimtab.answers.show import Flow, Lan, NetworkPlan, Placed

WIDTH, BOX, LEFT, ROW, PAD = 1100, 520, 20, 16, 14
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1a1a1a}.h{font-weight:600;font-size:14px}.s{fill:#666}"
    ".b{fill:#f4f6f8;stroke:#8fa1b3}.o{fill:#fff8e6;stroke:#c9a227}"
)


@dataclass(frozen=True, slots=True)
class _Box:
    """title, lines: its text.  outside: not the site's own.  groups: whose flows end here."""

    title: str
    lines: tuple[str, ...]
    outside: bool
    groups: frozenset[str]

    @property
    def height(self) -> int:
        return ROW * (1 + len(self.lines)) + PAD


def svg(plan: NetworkPlan) -> str:
    """All sites, one below the other."""
    parts: list[str] = []
    y = 30
    for site in dict.fromkeys(net.site for net in plan.networks):
        found, y = _site(plan, site, y)
        parts += found
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img">'
    title = f"<title>{escape(plan.estate)}: networks and flows</title><style>{STYLE}</style>"
    return "\n".join((head, title, *parts, "</svg>")) + "\n"


def _site(plan: NetworkPlan, site: str, y: int) -> tuple[list[str], int]:
    flows = [flow for flow in plan.flows if flow.site == site]
    parts = [_text(LEFT, y, site, "h")]
    y += 12
    for box in _boxes(plan, site, flows):
        own = [flow for flow in flows if flow.target in box.groups]
        said = list(_said(own))
        height = max(box.height, ROW * len(said) + PAD)
        kind = "o" if box.outside else "b"
        parts.append(f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{BOX}" height="{height}" rx="6"/>')
        parts.append(_text(LEFT + 10, y + 18, box.title, "h"))
        parts += [_text(LEFT + 10, y + 18 + ROW * n, line, "s") for n, line in enumerate(box.lines, 1)]
        for n, line in enumerate(said):
            at = y + 18 + ROW * n
            end = LEFT + BOX
            parts.append(
                f'<path d="M{end + 34} {at - 4}H{end + 6}m6 -4l-6 4l6 4" fill="none" stroke="#5b7083"/>'
            )
            parts.append(_text(end + 42, at, line, ""))
        y += height + 10
    return parts, y + 24


def _boxes(plan: NetworkPlan, site: str, flows: list[Flow]) -> Iterator[_Box]:
    for net in (net for net in plan.networks if net.site == site):
        hosts = [host for host in plan.hosts if host.site == site and host.network == net.network]
        yield _Box(_title(net), tuple(_hosts(hosts)), False, frozenset(net.groups))
    groups = {host.group for host in plan.hosts if host.site == site}
    for outside in dict.fromkeys(flow.target for flow in flows if flow.target not in groups):
        yield _Box(outside, (), True, frozenset({outside}))


def _title(net: Lan) -> str:
    number = "untagged" if net.vlan is None else f"VLAN {net.vlan}"
    return f"{net.network}  {number}  {'  '.join(net.prefixes)}"


def _hosts(hosts: list[Placed]) -> Iterator[str]:
    for host in hosts:
        yield f"{host.host}  {'  '.join(host.addresses)}"


def _said(flows: list[Flow]) -> Iterator[str]:
    """One line for each who asks: its ports together."""
    found: dict[tuple[str, str], list[str]] = {}
    for flow in flows:
        ports = ",".join(map(str, flow.ports))
        found.setdefault((flow.source, flow.target), []).append(f"{flow.protocol} {ports}".rstrip())
    for (source, target), every in found.items():
        yield f"{source} → {target}: {', '.join(dict.fromkeys(every))}"


def _text(x: int, y: int, says: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(says)}</text>'
