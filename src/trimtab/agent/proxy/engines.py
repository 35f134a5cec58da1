"""How each engine of a proxy is told who serves: its controllers, by the engine's name. One line an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.agent.membership.desired import Desired
from trimtab.agent.part import ProxyAgent
from trimtab.agent.proxy.checks import PACE as CHECKS_PACE
from trimtab.agent.proxy.checks import Checks, CheckWatch
from trimtab.agent.proxy.haproxy import PACE as HAPROXY_PACE
from trimtab.agent.proxy.haproxy import WATCH_PACE, HaproxyController, HaproxyWatch
from trimtab.agent.proxy.nginx import NginxController
from trimtab.agent.proxy.nginx import pace as nginx_pace
from trimtab.agent_config import ProxyFile
from trimtab.errors import BadInput


@dataclass(frozen=True, slots=True)
class Engine:
    """tell: the pools of which something has changed.  runtime: what says how many sessions a member has, None where nobody
    does.  checks: what its own checks find, None where it has none.
    """

    tell: Callable[[set[str]], None]
    runtime: Any = None
    checks: Checks | None = None


@dataclass(frozen=True, slots=True)
class EngineParts:
    """What an engine is made of. runtime: connects to the socket of a proxy.  moved: what its checks find has changed."""

    agent: ProxyAgent
    file: ProxyFile
    desired: Desired
    runtime: Callable[[str], Any]
    moved: Callable[[], None]


def _haproxy(parts: EngineParts) -> Engine:
    agent, runtime = parts.agent, parts.runtime(parts.file.socket)
    checks = Checks(agent.file.host, parts.desired, parts.moved)
    controller = HaproxyController(parts.desired, runtime, agent.metrics, checks, parts.moved)
    loop = agent.loop(controller, HAPROXY_PACE)
    agent.loop(CheckWatch(parts.desired, runtime, loop.mark), CHECKS_PACE)
    agent.loop(HaproxyWatch(runtime, agent.metrics, loop.urge), WATCH_PACE)
    return Engine(lambda changed: loop.mark(controller.keys_of(changed)), runtime, checks)


def _nginx(parts: EngineParts) -> Engine:
    agent, paths = parts.agent, parts.agent.paths
    controller = NginxController(parts.file.unit, agent.units, paths.members, paths.loaded, agent.metrics)
    loop = agent.loop(controller, nginx_pace(parts.file.drain))
    return Engine(lambda changed: loop.mark(("reload",)))


ENGINES: Mapping[str, Callable[[EngineParts], Engine]] = {"haproxy": _haproxy, "nginx": _nginx}


def compose(parts: EngineParts) -> Engine:
    """Raises BadInput for an engine that nobody knows."""
    if (found := ENGINES.get(parts.file.engine)) is None:
        raise BadInput(f"proxy engine {parts.file.engine!r}: known are {', '.join(ENGINES)}")
    return found(parts)
