"""The daemons of the bench's site: what each is started with, and when it is ready."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from _propagation.children import CONSUL, Daemon, until
from _propagation.estate import REGISTRY_PORT, UNITS, Files, registry_url
from _propagation.estate import agent_file as agent_file_of
from _propagation.plan import ENDPOINTS, PORT, SITE, Plan
from trimtab import agent_config
from trimtab.agent_config import RegistryAccess
from trimtab.daemons.haproxy.client import Runtime
from trimtab.daemons.haproxy.dumps import ServerState
from trimtab.estate.inventory import Host, Inventory
from trimtab.registry.engines import connect

START_S = 30.0
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
# One answers for every endpoint, and says as which it was reached. A master would want to become somebody else, which
# a namespace of an ordinary user forbids.
NGINX = """
daemon off; master_process off; user root; pid {folder}/nginx.pid; error_log stderr warn;
worker_rlimit_nofile 18000;
events {{ worker_connections 16000; }}
http {{
    access_log off; default_type text/plain; keepalive_requests 1000000;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{ listen 0.0.0.0:{port} backlog=4096; location / {{ return 200 "$server_addr\\n"; }} }}
}}
"""


def network() -> None:
    """All endpoints and hosts are addresses of this namespace."""
    commands = [
        ["link", "set", "lo", "up"],
        *(["route", "add", "local", net, "dev", "lo"] for net in (ENDPOINTS, SITE)),
    ]
    for command in commands:
        subprocess.run(["ip", *command], check=True, capture_output=True)


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy host. root: what is / for it, as far as it has files of its own; its `run` is in memory."""

    host: Host
    root: Path

    @property
    def runtime(self) -> Runtime:
        return Runtime(self.root / "run/admin.sock", timeout=10.0)

    async def servers(self) -> Sequence[ServerState]:
        return await self.runtime.servers()


def proxy(host: Host, scratch: Path) -> Proxy:
    """Its folders are made. /run is in memory, as on a host; the agent's state is on the disk, and synced there."""
    root = scratch / host.name
    for folder in ("run", "etc/trimtab", "var/lib/trimtab"):
        (root / folder).mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(root / "run")], check=True, capture_output=True)
    return Proxy(host, root)


def write_files(proxy: Proxy, files: Files) -> None:
    (proxy.root / "etc/haproxy.cfg").write_text(files.main)
    (proxy.root / "etc/route.map").write_text(files.routes)
    (proxy.root / "run/pools.cfg").write_text(files.pools)
    for name in (agent_config.FLOOR_MAP, agent_config.BY_MAP, agent_config.SPLIT_MAP):
        (proxy.root / "run" / name).write_text("")


@asynccontextmanager
async def haproxy(proxy: Proxy, files: Files) -> AsyncIterator[Daemon]:
    """The master, with its workers, as the unit starts it."""
    write_files(proxy, files)
    root = proxy.root
    argv = ["haproxy", "-W", "-f", f"{root}/etc/haproxy.cfg", "-f", f"{root}/run/pools.cfg"]
    argv += ["-p", f"{root}/run/haproxy.pid", "-S", f"{root}/run/master.sock"]
    with Daemon(argv, root / "haproxy.log") as daemon:

        async def answers() -> bool:
            return (await proxy.runtime.info()).pid > 0

        await until(answers, "HAProxy answers", START_S, [daemon])
        await master_answers(proxy, daemon)
        yield daemon


async def master_answers(proxy: Proxy, daemon: Daemon) -> None:
    """It starts anew after each start of workers, and a signal that comes meanwhile is lost."""

    async def answers() -> bool:
        reader, writer = await asyncio.open_unix_connection(str(proxy.root / "run/master.sock"))
        try:
            writer.write(b"show proc\n")
            writer.write_eof()
            return b"worker" in await asyncio.wait_for(reader.read(), 1.0)
        finally:
            writer.transport.abort()

    await until(answers, "HAProxy's master answers", START_S, [daemon])


@asynccontextmanager
async def agent(site: Inventory, proxy: Proxy) -> AsyncIterator[Daemon]:
    """The real agent, below the proxy's root, with somebody who says that all its units run."""
    file = agent_file_of(site, proxy.host, proxy.root)
    (proxy.root / "etc/trimtab/agent.json").write_text(agent_config.dump(file))
    server = await asyncio.start_unix_server(
        _supervisor([unit.name for unit in file.units]), str(proxy.root / UNITS)
    )
    argv = [sys.executable, "-m", "trimtab.agent", "run", "--root", str(proxy.root)]
    try:
        with Daemon(argv, proxy.root / "agent.log") as daemon:
            yield daemon
    finally:
        server.close()


def _supervisor(names: Sequence[str]) -> Talk:
    """As `drivers/units/socket.py` asks it; see there."""
    units = [{"unit": name, "state": "active", "pid": 1, "restarts": 0} for name in names]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = json.loads(await reader.readline() or b"{}")
        said = {"units": units} if request.get("op") == "show" else {"error": "nothing is restarted here"}
        writer.write(json.dumps(said).encode() + b"\n")
        writer.close()

    return talk


@asynccontextmanager
async def endpoints(scratch: Path, address: str) -> AsyncIterator[Daemon]:
    """address: one of them, to see whether it answers."""
    folder = scratch / "nginx"
    folder.mkdir()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=PORT))
    argv = ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with Daemon(argv, folder / "log") as daemon:
        await until(lambda: _listens(address, PORT), "nginx listens", START_S, [daemon])
        yield daemon


@asynccontextmanager
async def registry(plan: Plan, site: Inventory, scratch: Path) -> AsyncIterator[RegistryAccess]:
    """One member, on the disk, without TLS and without users."""
    url = registry_url(site)
    argv = _etcd(site, scratch) if plan.registry == "etcd" else _consul(site, scratch)
    access = RegistryAccess(plan.registry, (url,), f"/trimtab/{site.estate.estate}")
    with Daemon(argv, scratch / f"{plan.registry}.log") as daemon:
        await until(lambda: _reads(access), f"{plan.registry} is read", START_S, [daemon])
        yield access


async def _reads(access: RegistryAccess) -> bool:
    client = connect(access)
    try:
        await client.read()
    finally:
        await client.close()
    return True


def _consul(site: Inventory, scratch: Path) -> list[str]:
    """The one that `scripts/consul` brought; a path that its own process was told."""
    address = site.on_duty("registry")[0].v4
    ports = {"http": REGISTRY_PORT, "dns": -1, "grpc": -1, "serf_wan": -1}
    file = scratch / "consul.json"
    file.write_text(json.dumps({
        "server": True, "bootstrap_expect": 1, "node_name": "registry", "data_dir": str(scratch / "consul"),
        "bind_addr": address, "client_addr": address, "ports": ports, "disable_update_check": True, "log_level": "WARN",
        "performance": {"raft_multiplier": 1},
    }))  # fmt: skip
    return [os.environ[CONSUL], "agent", f"-config-file={file}"]


def _etcd(site: Inventory, scratch: Path) -> list[str]:
    url, peer = registry_url(site), registry_url(site, REGISTRY_PORT + 1)
    folder = scratch / "etcd"
    argv = ["etcd", "--name", "registry", "--data-dir", str(folder), "--logger", "zap", "--log-level", "warn"]
    argv += [
        "--listen-client-urls",
        url,
        "--advertise-client-urls",
        url,
        "--initial-cluster",
        f"registry={peer}",
    ]
    argv += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
    return argv


async def _listens(address: str, port: int) -> bool:
    _, writer = await asyncio.open_connection(address, port)
    writer.transport.abort()
    return True
