"""Whether a proxy that does not answer is full: then it works, and a restart would end the connections that it serves."""

from __future__ import annotations

from pathlib import Path

from trimtab.agent_config import ProxyFile, Unit
from trimtab.drivers import probe as probes
from trimtab.errors import BadInput, DriverError

HAPROXY, NGINX = "haproxy.service", "nginx.service"
SOCKET = ProxyFile("haproxy", HAPROXY).socket
NGINX_PID = Path("/run/nginx.pid")


async def is_full(unit: Unit) -> bool:
    """Asked of a proxy whose probe has failed; of anything else it is no."""
    if unit.name == HAPROXY:
        return await socket_answers()
    return unit.name == NGINX and await cuts_off(unit)


async def socket_answers() -> bool:
    """Whether HAProxy's admin socket answers. At its `maxconn` HAProxy accepts on no other listener, and works."""
    from trimtab.daemons.haproxy.client import Runtime

    try:
        return not (await Runtime(SOCKET).info()).stopping
    except DriverError:
        return False


async def cuts_off(unit: Unit, pid: Path = NGINX_PID) -> bool:
    """Whether nginx's workers live and close what they have taken: none of them has a connection to spare. One that crashes
    closes it too, but then there is another one afterwards.
    """
    before = workers(pid)
    try:
        answer = await probes.ask(unit.probe)
    except BadInput:
        return False
    return answer.how == "cut" and bool(before) and before == workers(pid)


def workers(pid: Path) -> frozenset[str]:
    """The processes of nginx below its master; none where that cannot be read."""
    try:
        master = int(pid.read_text())
        return frozenset(Path(f"/proc/{master}/task/{master}/children").read_text().split())
    except (OSError, ValueError):
        return frozenset()
