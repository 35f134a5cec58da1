"""The Consul that an estate with `tiers: {registry: {engine: consul}}` brings, in the twin: servers on the registry hosts.

One datacentre a site, TLS from the twin's CA, ACLs that deny, and the token that every host has in `registry.password`.
No client agents on the other hosts: `agent.json` names the servers, so nothing would ask them, and members are entries of
the catalogue that no agent's gossip keeps alive.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from trimtab.daemons import pki
from trimtab.daemons.agent.config import CONSUL_PORT
from trimtab.daemons.artifact import UNITS, Artifact
from trimtab.daemons.consul import ready as probe
from trimtab.daemons.consul.rendered import wanted
from trimtab.daemons.probe import ReadyCheck
from trimtab.daemons.unit import ELECTS, HEAD, INSTALL, unit
from trimtab.delivery.throwaway import ThrowawayCa
from trimtab.errors import EnvironmentUnable
from trimtab.estate.inventory import Host, Inventory
from trimtab.registry.consul.wire import Space

UNIT, TOKEN_UNIT = "consul.service", "consul-token.service"
FOLDER = "/etc/consul.d"
CONFIG, RULES, GRANT = f"{FOLDER}/server.json", f"{FOLDER}/trimtab.hcl", f"{FOLDER}/grant"
CERTIFICATE, KEY = f"{FOLDER}/server.crt", f"{FOLDER}/server.key"
DATA = "consul"  # below /var/lib
CACHE = "/var/cache/trimtab"

_GRANT = """\
#!/bin/sh
# What an operator of Consul does once: the policy, and the token that Trimtab's hosts have. Again and again until it is so.
export CONSUL_HTTP_ADDR=https://127.0.0.1:{port} CONSUL_CACERT={ca} CONSUL_CLIENT_CERT={certificate} CONSUL_CLIENT_KEY={key}
consul() {{ {program} "$@" >/dev/null 2>&1; }}
until CONSUL_HTTP_TOKEN_FILE={password} consul acl token read -self; do
    export CONSUL_HTTP_TOKEN_FILE={root}
    consul acl policy create -name trimtab -rules @{rules}
    consul acl token create -policy-name trimtab -secret "$(cat {password})" || sleep 1
done
"""


def program() -> str:
    """The newest Consul that `scripts/consul` brought, else the machine's own. Raises EnvironmentUnable."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    places = [os.environ.get("TRIMTAB_CACHE") or f"{home}/trimtab", CACHE]
    for place in places:
        kept = [
            each
            for each in Path(place).glob("consul-*/consul")
            if each.is_file() and os.access(each, os.X_OK)
        ]
        if found := sorted(kept, key=_version):
            return str(found[-1])
    if own_program := shutil.which("consul"):
        return own_program
    raise EnvironmentUnable(
        "the estate's registry is Consul, and there is none on this machine", "scripts/consul brings it"
    )


def _version(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.parent.name)]


def rules(prefix: str, pools: Iterable[str]) -> str:
    """All that the token of an estate has to be granted; docs/agent.md has them for an operator."""
    space = Space(prefix)
    lines = [
        f'key_prefix "{space.folder}" {{ policy = "write" }}',
        f'node "{space.node}" {{ policy = "write" }}',
        f'session "{space.node}" {{ policy = "write" }}',
        'service_prefix "" { policy = "read" }',
        *(f'service "{pool}" {{ policy = "write" }}' for pool in sorted(set(pools))),
    ]
    return "".join(f"{line}\n" for line in lines)


def files(
    inventory: Inventory, host: Host, ca: ThrowawayCa, passwords: tuple[str, str]
) -> tuple[Artifact, ...]:
    """Configuration, certificate and units in start order; nothing on hosts without a server. Raises EnvironmentUnable."""
    if not wanted(inventory, host):
        return ()
    servers, binary = inventory.on_duty("registry", host.site), program()
    names = (host.name, f"server.{host.site}.consul")  # verify_server_hostname asks for the second
    certificate, key = ca.issue(names, (host.v4, host.v6, "127.0.0.1"))
    found = [
        Artifact(CONFIG, _config(host, servers, passwords[1]), mode=0o600),
        Artifact(CERTIFICATE, certificate),
        Artifact(KEY, key, mode=0o600),
        _unit(binary),
    ]
    if host == servers[0]:
        found += _token(inventory, binary)
    return tuple(found)


def _config(host: Host, servers: list[Host], root: str) -> str:
    config = {
        "datacenter": host.site,
        "node_name": host.name,
        "server": True,
        "bootstrap_expect": len(servers),
        "retry_join": [server.v4 for server in servers if server != host],
        "retry_interval": "2s",
        "data_dir": f"/var/lib/{DATA}",
        "bind_addr": host.v4,
        "client_addr": f"{host.v4} 127.0.0.1",
        "ports": {"https": CONSUL_PORT, "http": -1, "dns": -1, "grpc": -1, "serf_wan": -1},
        "ca_file": pki.CA,
        "cert_file": CERTIFICATE,
        "key_file": KEY,
        "verify_incoming": True,
        "verify_outgoing": True,
        "verify_server_hostname": True,
        "acl": {"enabled": True, "default_policy": "deny", "tokens": {"master": root, "agent": root}},
        "disable_update_check": True,
        "log_level": "WARN",
    }
    return json.dumps(config, indent=1) + "\n"


def _unit(binary: str) -> Artifact:
    start = f"ExecStart={binary} agent -config-file={CONFIG}"
    lines = [
        "Type=exec",
        "LimitNOFILE=65536",
        f"StateDirectory={DATA}",
        "StateDirectoryMode=0700",
        ELECTS,
        start,
    ]
    return unit(UNIT, "network-online.target", lines, "Consul, the site's registry")


def _token(inventory: Inventory, binary: str) -> list[Artifact]:
    pools = {pool.discover for pool in inventory.estate.pools.values() if pool.discover is not None}
    script = _GRANT.format(
        program=binary, port=CONSUL_PORT, ca=pki.CA, certificate=pki.CERTIFICATE, key=pki.KEY, rules=RULES,
        password=pki.PASSWORD, root=pki.ROOT_PASSWORD,
    )  # fmt: skip
    text = (
        f"{HEAD}[Unit]\nDescription=The token of Trimtab's hosts\nAfter={UNIT}\n\n[Service]\nType=oneshot\n"
        f"RemainAfterExit=yes\nTimeoutStartSec=infinity\nExecStart={GRANT}\n{INSTALL}"
    )
    return [
        Artifact(RULES, rules(f"/trimtab/{inventory.estate.estate}", pools)),
        Artifact(GRANT, script, mode=0o700),
        Artifact(f"{UNITS}{TOKEN_UNIT}", text, unit=TOKEN_UNIT),
    ]


def checks(inventory: Inventory) -> list[ReadyCheck]:
    """Every server of a site knows the same leader and all the others."""
    found = []
    for site in inventory.site_names():
        servers = inventory.on_duty("registry", site)
        if servers and wanted(inventory, servers[0]):
            nodes = tuple(server.name for server in servers)
            args = (pki.CA, pki.CERTIFICATE, pki.KEY, *(server.v4 for server in servers))
            what = f"Consul of {site}: {len(servers)} servers and a leader"
            found.append(ReadyCheck(probe.SERVERS.kind, what, nodes, args))
    return found
