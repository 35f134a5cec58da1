"""Every file of a host: the table of renderers, and the one function that runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trimtab.estate.inventory import Host, Inventory
from trimtab.render import agent, bird, etcd, front, haproxy, keepalived, networkd, nginx, sysctl, units
from trimtab.render.artifact import Artifact

Renderer = Callable[[Inventory, Host], tuple[Artifact, ...]]


@dataclass(frozen=True, slots=True)
class Entry:
    """name: the daemon.  wanted: does this host get it?  render: its files."""

    name: str
    wanted: Callable[[Inventory, Host], bool]
    render: Renderer


def _role(name: str) -> Callable[[Inventory, Host], bool]:
    return lambda _, host: name in host.roles


def _engine(name: str) -> Callable[[Inventory, Host], bool]:
    return lambda inventory, host: "proxy" in host.roles and inventory.estate.tiers.proxy.engine == name


def _routes(_: Inventory, host: Host) -> bool:
    """Whoever has BIRD, and addresses that others set."""
    return bool({"router", "proxy"} & set(host.roles))


def _any(_: Inventory, __: Host) -> bool:
    return True


RENDERERS = (
    Entry("bird-router", _role("router"), bird.render_router),
    Entry("bird-proxy", _role("proxy"), bird.render_proxy),
    Entry("haproxy", _engine("haproxy"), haproxy.render),
    Entry("nginx", _engine("nginx"), nginx.render),
    Entry("keepalived-front", _role("proxy"), keepalived.render_front),
    Entry("keepalived-gateway", _role("router"), keepalived.render_gateway),
    Entry("front", _role("proxy"), front.render),
    Entry("etcd", _any, etcd.render),
    Entry("agent", _any, agent.render),
    Entry("networkd", _routes, networkd.render),
    Entry("sysctl", _any, sysctl.render),
    Entry("units", _any, units.render),
)
if len({entry.name for entry in RENDERERS}) != len(RENDERERS):
    raise RuntimeError("two renderers have the same name")


def render_host(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    """All files of a host, sorted by path. Raises RuntimeError if two renderers claim one path."""
    found: dict[str, Artifact] = {}
    for entry in RENDERERS:
        if not entry.wanted(inventory, host):
            continue
        for artifact in entry.render(inventory, host):
            if artifact.path in found:
                raise RuntimeError(f"{entry.name} renders {artifact.path} of {host.name} a second time")
            found[artifact.path] = artifact
    return tuple(found[path] for path in sorted(found))


def unit_order(inventory: Inventory, host: Host) -> tuple[str, ...]:
    """Names of the host's units in start order."""
    return tuple(artifact.unit or "" for artifact in units.render(inventory, host))
