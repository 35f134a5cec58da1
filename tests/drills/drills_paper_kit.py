"""A twin on paper: faults change its state, and what a drill asks of its programs is answered from that state."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from drills_operator_kit import ESTATE, PaperArbiter, agent_json

from trimtab.agent_config import PATH
from trimtab.drills.drain_outcome import DRAINING
from trimtab.drills.faults import agent_releases
from trimtab.drills.scene import OnWait, Scene, read_scene
from trimtab.errors import EnvironmentUnable, TwinFailed

VIPS = ("203.0.113.10", "2001:db8:113::a")
SPLIT = {
    "host": "www.shop.example",
    "shares": {"web": 100, "web-next": 0},
    "ports": {"web": 8080, "web-next": 8082},
}
UNITS = {
    "bird.service": "router",
    "exabgp.service": "proxy",
    "haproxy.service": "proxy",
    "nginx.service": "proxy",
    "keepalived.service": "proxy",
    "trimtab-front.service": "proxy",
    "etcd-registry.service": "registry",
    "consul.service": "registry",
    "trimtab-agent.service": "registry",
}
MEMBERS = {"hk-orders-1": 0xA1, "sg-orders-1": 0xB2, "mid-orders-1": 0xC3}


def site(name: str, *, peers: Mapping[str, Sequence[str]], backends: int, proxies: int) -> dict[str, Any]:
    """The facts of a site, as the twin tells them."""
    kinds = {"router": 1, "proxy": proxies, "backend": backends, "registry": 1, "orders": 1}
    hosts = {kind: [f"{name}-{kind}-{n + 1}" for n in range(count)] for kind, count in kinds.items()}
    upstreams = {
        up: {
            "transit": f"as{64500 + number}", "segment": f"up.{name}.{up}", "peers": list(each),
            "sessions": [f"up_{up}{6 if ':' in peer else 4}" for peer in each],
            "heard": f"to_{name}_{up}_", "speaker": "bird", "ours": [],
            "role": "route-server" if up == "transit" else "transit", "interfaces": ["up0"],
        }
        for number, (up, each) in enumerate(peers.items())
    }  # fmt: skip
    return {
        "hosts": [host for each in hosts.values() for host in each], "routers": hosts["router"],
        "proxies": hosts["proxy"], "backends": hosts["backend"], "backend_unit": "pages.service",
        "registries": hosts["registry"], "units": {unit: hosts[kind] for unit, kind in UNITS.items() if hosts[kind]},
        "across": {pool: [o for o in ("hk", "sg") if o != name] for pool in ("api", "web")},
        "speakers": hosts["proxy"] if name == "hk" else hosts["router"], "speaker_unit": "bird.service",
        "announcers": hosts["proxy"] if name == "hk" else [],
        "public": {host: [f"203.0.113.{10 + i}"] for i, host in enumerate(hosts["proxy"])} if name == "hk" else {},
        "front_unit": "haproxy.service", "vips": list(VIPS), "upstreams": upstreams,
        "links": {o: f"wan.{'.'.join(sorted((name, o)))}" for o in ("hk", "sg", "mid") if o != name},
        "prefixes": ["198.18.1.0/24", "2001:db8:1::/48"] if name == "hk" else [],
    }  # fmt: skip


def facts() -> dict[str, Any]:
    """Two sites that serve, and `mid`, which has no more than a vote and a single backend."""
    two = {"hkix": ("198.51.100.1", "2001:db8:ff01::1"), "transit": ("198.51.100.9",)}
    return {
        "engine": "haproxy", "estate": "shop", "regions": {}, "ledger": None, "ca": "/ca.pem", "objectives": {"rto_s": 1.0},
        "sites": {
            "hk": site("hk", peers=two, backends=3, proxies=2),
            "sg": site("sg", peers={"sgix": ("198.51.100.17",)}, backends=3, proxies=2),
            "mid": site("mid", peers={}, backends=1, proxies=0),
        },
        "splits": {"www/web+web-next": SPLIT},
        "stores": {"orders": {"hosts": list(MEMBERS), "client_port": 2379}},
        "rpki": {
            "units": {"as64500": ["stayrtr.service"]}, "file": "/etc/stayrtr/roas.json", "foreign": ["99.0.0.0/24"],
            "table": 666, "mark": 2,
        },
        "source": "/estate.yaml", "estate_store": {"hosts": list(ESTATE), "client_port": 2383},
    }  # fmt: skip


def scene(**changed: Any) -> Scene:
    return read_scene({**facts(), **changed})


# Whole procedures with programs that only run in a twin: their drills show them.
PROCEDURES = {
    "deploy", "split", "flap", "crash-loop", "upgrade-registries", "reinstall", "half-roll", "die-answering", "flood",
    "upgrade-agents", "leak", "blackhole",
}  # fmt: skip
ONCE = {"second-fault"}  # what it breaks makes that it cannot be asked for again


class PaperTwin:
    """`broken()` is all that is not as it should be; the rest of the state is what cannot be undone."""

    def __init__(self, scratch: Path) -> None:
        self.scratch, self.leader, self.holder = scratch, "hk-orders-1", "hk-proxy-2"
        self.estate_leader = "sg-registry-1"
        self.dark: set[str] = set()
        self.cut: set[str] = set()
        self.stopped: set[str] = set()
        self.spoiled: set[str] = set()
        self.filters: dict[str, str] = {}
        self.systems: dict[str, str] = {}
        self.replaced: dict[str, str] = {}
        self.shut: dict[str, set[str]] = {}
        self.older: set[str] = set()
        self.killed: list[str] = []
        self.ill: set[str] = set()
        self.announced: dict[str, set[str]] = {}
        self.emptied: set[str] = set()
        self.registered = {"pool": "api", "port": 8080}
        self.renewed: list[str] = []
        self.ended: list[str] = []
        self.arbiter = PaperArbiter(self)

    def broken(self) -> dict[str, Any]:
        shut = {node: names for node, names in self.shut.items() if names}
        announced = {node: lines for node, lines in self.announced.items() if lines}
        state = {"dark": self.dark, "cut": self.cut, "stopped": self.stopped, "spoiled": self.spoiled,
                 "filters": self.filters, "systems": self.systems, "replaced": self.replaced,
                 "shut": shut, "ill": self.ill, "older": self.older,
                 "emptied": self.emptied, "announced": announced, "drained": self.arbiter.drained}  # fmt: skip
        found: dict[str, Any] = {name: value.copy() for name, value in state.items() if value}
        return {**found, "frozen": True} if self.arbiter.frozen else found

    def status(self) -> dict[str, Any]:
        names = [host for each in facts()["sites"].values() for host in each["hosts"]]
        return {"facts": facts(), "hosts": [self._row(name) for name in names]}

    def _row(self, name: str) -> dict[str, Any]:
        system = self.systems.get(name, "")
        return {
            "name": name, "powered": name not in self.dark, "system": system,
            "programs": self.replaced.get(name, system),
        }  # fmt: skip

    def power_cut(self, nodes: Sequence[str]) -> float:
        self.dark |= set(nodes)
        return time.monotonic()

    def power_on(self, nodes: Sequence[str], release: str | None = None) -> None:
        for node in self.dark & set(nodes) if release is not None else ():
            self.systems.pop(node, None)
            self.systems |= {node: release} if release else {}
        self.dark -= set(nodes)

    def programs(self, node: str, release: str) -> None:
        self.replaced.pop(node, None)
        self.replaced |= {node: release} if release else {}

    def cut_cables(self, segments: Sequence[str]) -> float:
        self.cut |= set(segments)
        return time.monotonic()

    def mend_cables(self, segments: Sequence[str]) -> None:
        self.cut -= set(segments)

    def kill(self, node: str, unit: str, signal: str = "KILL") -> float:
        name = f"{node}/{unit}"
        if signal == "KILL":
            self.killed.append(name)
        elif name in self.killed:
            raise TwinFailed(f"{unit} of {node} does not run")
        else:
            (self.stopped.add if signal == "STOP" else self.stopped.discard)(name)
        return time.monotonic()

    def unit(self, node: str, unit: str, verb: str) -> None:
        if verb == "reload" and node in self.spoiled:
            raise TwinFailed(f"{unit} of {node} refused to reload", "127.0.0.1:9799: Address already in use")
        self.renewed.append(node)

    def wait_ready(self, timeout: float, on_wait: OnWait | None = None) -> float:
        return 0.0

    def popen(self, node: str, argv: Sequence[str], **popen_kw: Any) -> Any:
        if node in self.dark:
            raise EnvironmentUnable(f"{node} has no power")
        if "trimtab" in argv:
            return self.arbiter.command(node, list(argv)[list(argv).index("trimtab") + 1 :])
        return _Program(self, node, list(argv))

    def answer(self, node: str, argv: list[str], text: str) -> str:
        if argv[0] == "ip" and "-batch" in argv:
            self.announced.setdefault(node, set()).update(text.splitlines())
            return ""
        if argv[0] == "sh" and "route flush" in argv[-1]:
            family = ":" if "-6" in argv[-1] else "."
            lines = self.announced.get(node, set())
            self.announced[node] = {line for line in lines if family not in line.split()[3]}
            return ""
        if argv[0] == "sh" and ".kept" in argv[-1]:
            (self.emptied.add if "cp " in argv[-1] else self.emptied.discard)(node)
            return ""
        if argv[0] == "ip":
            return "".join(
                f"2: e0 inet{'6' if ':' in v else ''} {v}/32 scope global\n"
                for v in VIPS * (node == self.holder)
            )
        if argv[0] == "nft":
            self.filters.pop(node, None)
            if "chain" in text:
                self.filters[node] = text
        elif argv[0] == "birdc":
            for verb, _, name in (line.partition(" ") for line in text.splitlines()):
                if verb != "quit":
                    {"disable": set.add, "enable": set.discard}[verb](self.shut.setdefault(node, set()), name)
        elif "move-leader" in argv:
            assert node == self.leader, "only the leader moves its office"
            self.leader = next(name for name, number in MEMBERS.items() if f"{number:x}" == argv[-1])
        elif argv[0] == "etcdctl":
            secured = any(word.startswith("--endpoints=https://127.0.0.1:2383") for word in argv)
            members, leader = (ESTATE, self.estate_leader) if secured else (MEMBERS, self.leader)
            status = {
                "header": {"member_id": members[node]},
                "leader": members[leader],
                "raftAppliedIndex": 7,
            }
            return json.dumps([{"Status": status}])
        elif argv[0] in ("touch", "rm"):
            (self.ill.add if argv[0] == "touch" else self.ill.discard)(node)
        elif argv == ["cat", "/run/trimtab/front/ready"]:
            return "0\n"
        elif argv[0] == "cat":
            return agent_json(node) if argv[1] == PATH else json.dumps(self.registered)
        elif argv[-1] == DRAINING:
            self.ended.append(node)
        elif "birdc" in argv:
            heard = "198.18.1.0/24 [to_hk_up_1_4 05:02:38.509]".replace(
                "up", "hkix" if node == "as64500" else "transit"
            )
            return "" if "hk" in self.arbiter.drained else heard
        elif argv[0] == "sh" and "ls " in argv[-1]:
            return "/etc/trimtab/register.d/api.json\n"
        elif argv[0] == "sh" and argv[2].startswith("cat >"):
            self.registered = json.loads(text)
        elif argv[:3] == ["sh", "-c", agent_releases.WHICH]:
            return "older\n" if node in self.older else "ours\n"
        elif argv[:3] == ["sh", "-c", agent_releases.ON]:
            self.older.add(node)
        elif argv[:3] == ["sh", "-c", agent_releases.OFF]:
            self.older.discard(node)
        elif "spoil" in argv:
            self.spoiled.add(node)
        elif "mend" in argv:
            self.spoiled.discard(node)
        else:
            raise AssertionError(argv)
        return ""


class _Program:
    """What `ask` needs of a process."""

    def __init__(self, twin: PaperTwin, node: str, argv: list[str]) -> None:
        self._twin, self._node, self._argv, self.returncode = twin, node, argv, 0
        self.stdout = io.StringIO("ready\n")

    def __enter__(self) -> _Program:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing runs."""

    def communicate(self, text: str = "", timeout: float | None = None) -> tuple[str, None]:
        return self._twin.answer(self._node, self._argv, text), None

    def kill(self) -> None:
        """Nothing runs."""
