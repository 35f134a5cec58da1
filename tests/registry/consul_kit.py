"""Real Consul for tests: three servers and a client agent on loopback, HTTPS only, mutual TLS, ACLs that deny."""

from __future__ import annotations

import json
import shutil
import signal
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.registry.registry_kit import Authority, access, free_port, wait_until

from trimtab.agent_config import RegistryAccess
from trimtab.lab.consul import rules
from trimtab.registry.consul.rights import AUTHORIZE

SCRIPT = Path(__file__).parents[2] / "scripts" / "consul"
MANAGEMENT = str(uuid4())
ASKED = [{"Resource": "key", "Segment": "", "Access": "read"}]


def policy(prefix: str) -> str:
    """What docs/agent.md tells an operator to grant to an estate with one discovered pool."""
    return rules(prefix, ["api"])


def program() -> str:
    """The path of Debian 11's Consul. Fails the test where it cannot be had: nothing is skipped."""
    brought = subprocess.run([SCRIPT], capture_output=True, text=True)
    if brought.returncode:
        pytest.fail(f"no Consul here, and scripts/consul cannot bring one: {brought.stderr.strip()}")
    return brought.stdout.strip()


@dataclass
class Agent:
    """One process of Consul; `more`: of its configuration."""

    name: str
    folder: Path
    authority: Authority
    more: dict[str, Any]
    ports: dict[str, int] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        names = ("https", "server", "serf_lan")
        self.ports = {
            **{name: free_port() for name in names},
            "http": -1,
            "dns": -1,
            "grpc": -1,
            "serf_wan": -1,
        }

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.ports['https']}"

    @property
    def gossip(self) -> str:
        return f"127.0.0.1:{self.ports['serf_lan']}"

    def configure(self) -> None:
        certificate, key = self.authority.issue(self.name, dns=("server.dc1.consul",))
        config = {
            "node_name": self.name, "data_dir": str(self.folder / self.name), "log_level": "WARN",
            "bind_addr": "127.0.0.1", "client_addr": "127.0.0.1", "ports": self.ports,
            "ca_file": self.authority.ca, "cert_file": certificate, "key_file": key,
            "verify_incoming": True, "verify_outgoing": True, "verify_server_hostname": True,
            "acl": {"enabled": True, "default_policy": "deny", "down_policy": "deny",
                    "tokens": {"master": MANAGEMENT, "agent": MANAGEMENT}},
            "performance": {"raft_multiplier": 1}, "disable_update_check": True, "leave_on_terminate": False,
            **self.more,
        }  # fmt: skip
        (self.folder / f"{self.name}.json").write_text(json.dumps(config))

    def start(self) -> None:
        with (self.folder / f"{self.name}.log").open("ab") as log:
            argv = [program(), "agent", "-config-file", str(self.folder / f"{self.name}.json")]
            self.process = subprocess.Popen(argv, stdout=log, stderr=log)

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def forget(self) -> None:
        """Its disk is lost."""
        shutil.rmtree(self.folder / self.name)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def ask(self, method: str, path: str, body: Any = None, token: str = MANAGEMENT) -> tuple[int, Any]:
        """As somebody who knows nothing of our client: status and what came."""
        context = ssl.create_default_context(cafile=self.authority.ca)
        context.load_cert_chain(*self.authority.issue("asker"))
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"X-Consul-Token": token}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as answer:
                status, raw = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, raw = error.code, error.read()
        with suppress(ValueError):
            return status, json.loads(raw)
        return status, raw.decode()

    def log(self) -> str:
        return (self.folder / f"{self.name}.log").read_text()[-3000:]


@dataclass
class Datacentre:
    """Three servers, a client agent, and who may what."""

    servers: list[Agent]
    client: Agent
    authority: Authority
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, rules: str, secret: str = "") -> str:
        """The file of a new token with exactly these rules, which every agent knows."""
        name, secret = f"p-{uuid4()}", secret or str(uuid4())
        self._made("/v1/acl/policy", {"Name": name, "Rules": rules})
        self._made("/v1/acl/token", {"SecretID": secret, "Policies": [{"Name": name}]})
        for agent in self.all:
            # what a server answers from its own copy; token/self would be the leader's
            known = lambda: agent.ask("POST", AUTHORIZE, ASKED, secret)[0] == 200  # noqa: B023, E731
            wait_until(known, f"{agent.name} knows the token")
        path = self.authority.folder / f"{name}.token"
        path.write_text(secret + "\n")
        return str(path)

    def _made(self, path: str, body: Any) -> None:
        status, said = self.servers[0].ask("PUT", path, body)
        assert status == 200, said

    def access(self, *urls: str, prefix: str = "/trimtab/test", **more: str) -> RegistryAccess:
        """With a token that may what docs/agent.md says, and no more; each estate has one of its own."""
        if prefix not in self.tokens:
            self.tokens[prefix] = self.token(policy(prefix))
        certificate, key = self.authority.issue("agent")
        known = {"ca": self.authority.ca, "certificate": certificate, "key": key}
        known |= {"engine": "consul", "password": self.tokens[prefix]}
        return access(*(urls or self.urls), prefix=prefix, **(known | more))

    def leader(self) -> Agent:
        _, said = self.servers[0].ask("GET", "/v1/status/leader")
        return next(each for each in self.servers if said.endswith(f":{each.ports['server']}"))

    def follower(self) -> Agent:
        """A server that has to ask another one: what is stale there is not to be read."""
        leader = self.leader()
        return next(each for each in self.servers if each is not leader)

    def ready(self) -> None:
        """A leader, everybody in the catalogue, and ACLs that are answered everywhere."""

        def all_there(agent: Agent) -> bool:
            assert agent.process is not None and agent.process.poll() is None, agent.log()
            with suppress(OSError):
                status, nodes = agent.ask("GET", "/v1/catalog/nodes")
                known = status == 200 and {each["Node"] for each in nodes} >= {a.name for a in self.all}
                return known and agent.ask("GET", "/v1/acl/policies")[0] == 200  # no longer in legacy mode
            return False

        for agent in self.all:
            wait_until(lambda: all_there(agent), f"{agent.name} answers")  # noqa: B023

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(each.url for each in self.servers)

    @property
    def all(self) -> list[Agent]:
        return [*self.servers, self.client]


@contextmanager
def consul_datacentre(folder: Path) -> Iterator[Datacentre]:
    authority = Authority.at(folder / "pki")
    servers = [Agent(f"s{n}", folder, authority, {"server": True, "bootstrap_expect": 3}) for n in range(3)]
    client = Agent("c0", folder, authority, {"server": False})
    found = Datacentre(servers, client, authority)
    for agent in found.all:
        agent.more["retry_join"] = [server.gossip for server in servers if server is not agent]
        agent.more["retry_interval"] = "1s"
        agent.configure()
    try:
        for agent in found.all:
            agent.start()
        found.ready()
        yield found
    finally:
        for agent in found.all:
            agent.kill()
