"""Who belongs to each etcd of a site: every member is asked for its own number, and for all that it knows of the others."""

from __future__ import annotations

import json
from typing import Any

from trimtab.daemons.etcd import ready as etcd
from trimtab.daemons.etcd.config import REGISTRY
from trimtab.drills.node_exec import ask_if_there
from trimtab.drills.probes.store import TRUST
from trimtab.drills.scene import LabLike, Scene, Store
from trimtab.estate.addressing import PORTS

LIST = ("etcdctl", "--command-timeout=2s", "member", "list", "--write-out=json")


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """By cluster {host: {"id", "healthy", "voters", "others"} or None where it gives no answer}."""
    registry = Store(REGISTRY, scene.site(site).registries, PORTS["etcd-client"], True)
    found = [registry, *([scene.estate_store] if scene.estate_store else []), *scene.stores]
    return {
        each.name: {host: _member(lab, each, host) for host in each.hosts} for each in found if each.hosts
    }


def _member(lab: LabLike, store: Store, host: str) -> dict[str, Any] | None:
    scheme, trust = ("https", TRUST) if store.secured else ("http", ())
    url = f"{scheme}://127.0.0.1:{store.client_port}"
    healthy = ask_if_there(lab, host, etcd.ask((*trust, url))) is not None
    return judge(
        ask_if_there(lab, host, ["env", "ETCDCTL_API=3", *LIST, *trust, f"--endpoints={url}"]), healthy
    )


def judge(reply: str | None, healthy: bool) -> dict[str, Any] | None:
    """Of `member list`; lines of warnings may stand before it. id: its own number.  voters: names of those that have begun
    and vote.  others: how many members do not (learners, and those that were added and have not begun).
    """
    for line in (reply or "").splitlines():
        if line.startswith("{"):
            found = json.loads(line)
            rows = found["members"]
            voters = sorted(row["name"] for row in rows if row.get("clientURLs") and not row.get("isLearner"))
            own = f"{found['header']['member_id']:x}"
            return {"id": own, "healthy": healthy, "voters": voters, "others": len(rows) - len(voters)}
    return None
