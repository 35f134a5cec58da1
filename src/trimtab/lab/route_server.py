"""What a route server of the twin runs: BIRD, as arouteserver configures it at exchanges.

Nothing of it is ours but the description of the exchange, so a mistake of our own filters is not made twice.
Source: https://arouteserver.readthedocs.io (general.yml, clients.yml).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from trimtab.errors import EnvironmentUnable

LOG = """\
[loggers]
keys=root
[handlers]
keys=stderr
[formatters]
keys=
[logger_root]
level=WARNING
handlers=stderr
[handler_stderr]
class=StreamHandler
args=(sys.stderr,)
"""
RUN = "from pierky.arouteserver.cli import main; raise SystemExit(main())"
TARGET = "2.0.11"  # the oldest of its targets that both Debians' BIRD reads as a whole
# Networks that no exchange lets its members tell; arouteserver's own list has the laboratories' prefixes in it.
BOGONS = (
    "0.0.0.0/0",
    "10.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::/0",
    "fe80::/10",
)


@dataclass(frozen=True, slots=True)
class Client:
    """A member's session. password: "" without."""

    asn: int
    address: str
    password: str = ""


@lru_cache(maxsize=32)
def configuration(asn: int, router_id: str, lans: tuple[str, ...], clients: tuple[Client, ...]) -> str:
    """`bird.conf` of a route server. Raises EnvironmentUnable without arouteserver."""
    if find_spec("pierky") is None:
        raise EnvironmentUnable(
            "the twin's route servers are configured by arouteserver, which is not here",
            "`scripts/bootstrap` brings it; beside a package: pip install 'trimtab[exchange]'",
        )
    with tempfile.TemporaryDirectory(prefix="trimtab-rs-") as folder:
        return _made(Path(folder), _general(asn, router_id, lans), [_client(each) for each in clients])


def _made(folder: Path, general: dict[str, Any], clients: Sequence[dict[str, Any]]) -> str:
    files = {
        "general.yml": general,
        "clients.yml": {"clients": clients},
        "bogons.yml": {"bogons": [_bogon(each) for each in BOGONS]},
        "program.yml": {
            "cfg_general": str(folder / "general.yml"),
            "cfg_clients": str(folder / "clients.yml"),
            "cfg_bogons": str(folder / "bogons.yml"),
            "cache_dir": str(folder),
            "templates_dir": str(_templates()),
            "check_new_release": False,
            "logging_config_file": str(folder / "log.ini"),
        },
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
    (folder / "log.ini").write_text(LOG, encoding="utf-8")
    made = folder / "bird.conf"
    argv = ["bird", "--cfg", str(folder / "program.yml"), "--target-version", TARGET, "-o", str(made)]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *argv], capture_output=True, text=True, timeout=120, check=False
    )
    text = made.read_text(encoding="utf-8") if made.exists() else ""
    if done.returncode or not text:
        said = (done.stderr or done.stdout)[-300:]
        raise EnvironmentUnable(f"arouteserver made no configuration: {said}", "is it installed as a whole?")
    return text


def _templates() -> Path:
    found = find_spec("pierky.arouteserver")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent / "templates"


def _general(asn: int, router_id: str, lans: tuple[str, ...]) -> dict[str, Any]:
    """Nothing is asked of the Internet, which is not there: neither registries nor PeeringDB."""
    filtering = {
        "next_hop": {"policy": "strict"},
        "ipv4_pref_len": {"min": 8, "max": 24},
        "ipv6_pref_len": {"min": 12, "max": 48},
        "global_black_list_pref": [
            {"prefix": lan.partition("/")[0], "length": int(lan.partition("/")[2])} for lan in lans
        ],
        "irrdb": {"enforce_origin_in_as_set": False, "enforce_prefix_in_as_set": False, "tag_as_set": False},
        "roles": {"enabled": True},
        "reject_invalid_as_in_as_path": False,  # an example has the numbers of documentation
        "never_via_route_servers": {"peering_db": False},
        "max_prefix": {"action": "shutdown", "peering_db": {"enabled": False}, "general_limit_ipv4": 1000, "general_limit_ipv6": 1000},
    }  # fmt: skip
    return {"cfg": {
        "rs_as": asn, "router_id": router_id, "rpki_roas": {"source": "rtr"}, "filtering": filtering,
        "graceful_shutdown": {"enabled": True},
    }}  # fmt: skip


def _client(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = {"asn": client.asn, "ip": client.address}
    return {**found, "password": client.password} if client.password else found


def _bogon(prefix: str) -> dict[str, Any]:
    address, _, length = prefix.partition("/")
    return {"prefix": address, "length": int(length), **({"exact": True} if length == "0" else {})}
