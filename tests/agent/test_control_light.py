"""The agent stays light: what it imports, and what it needs to start."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = (
    "pydantic",
    "jinja2",
    "yaml",
    "rich",
    "typer",
    "click",
    "uvloop",
    "cryptography",
    "trimtab.estate",
    "trimtab.cli",
)
PROGRAM = """
import json, sys
import trimtab.agent.main
import trimtab.registry.engines, trimtab.drivers.units, trimtab.daemons.haproxy.client
import trimtab.registry.etcd.client, trimtab.registry.etcd.auth, trimtab.registry.consul.client
import trimtab.agent.host_override
with open("/proc/self/status") as status:
    kb = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
print(json.dumps({"modules": sorted(sys.modules), "kb": kb}))
"""


def test_no_heavy_module_is_imported_and_little_memory_taken() -> None:
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    found = json.loads(said.stdout)
    assert [name for name in found["modules"] if name.startswith(HEAVY)] == []
    others = {name.split(".")[0] for name in found["modules"]} - set(sys.stdlib_module_names)
    assert {name for name in others if not name.startswith("_")} <= {
        "trimtab",
        "h11",
        "prometheus_client",
        "sitecustomize",
    }
    assert found["kb"] < 60_000
