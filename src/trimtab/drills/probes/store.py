"""Who leads the application's store, and how far each member has come: every member is asked about itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trimtab.daemons.pki import CA, CERTIFICATE, KEY
from trimtab.drills.node_exec import ask_if_there
from trimtab.drills.scene import LabLike, Scene, Store
from trimtab.errors import EnvironmentUnable

STATUS = ("etcdctl", "--command-timeout=2s", "endpoint", "status", "--write-out=json")
TRUST = (f"--cacert={CA}", f"--cert={CERTIFICATE}", f"--key={KEY}")


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """{"leader": host or None, "members": {host: {"leader", "term", "index"} or None where it gives no answer}}."""
    if not scene.stores:
        return {"leader": None, "members": {}}
    return judge(_replies(lab, scene.stores[0]))


def find_leader(lab: LabLike, scene: Scene) -> str:
    """The host that leads the first store. Raises EnvironmentUnable where the members do not agree on one."""
    if not scene.stores:
        raise EnvironmentUnable(
            "the estate has no store, so there is no leader to lose", "add one under `stores`"
        )
    return leader_of(lab, scene.stores[0])


def leader_of(lab: LabLike, store: Store) -> str:
    """The host that leads it. Raises EnvironmentUnable where the members do not agree on one."""
    found = judge(_replies(lab, store))
    if found["leader"] is None:
        raise EnvironmentUnable(f"the members of {store.name} do not agree on a leader: {found}")
    return str(found["leader"])


def member_id(lab: LabLike, host: str, client_port: int) -> int:
    """The number that etcd gave a member. Raises EnvironmentUnable where it gives no answer."""
    found = _status(ask_if_there(lab, host, [*STATUS, f"--endpoints=http://127.0.0.1:{client_port}"]))
    if found is None:
        raise EnvironmentUnable(f"{host}: its store gives no answer")
    return int(found["header"]["member_id"])


def _replies(lab: LabLike, store: Store) -> dict[str, str | None]:
    scheme, trust = ("https", TRUST) if store.secured else ("http", ())
    asked = [*STATUS, *trust, f"--endpoints={scheme}://127.0.0.1:{store.client_port}"]
    return {host: ask_if_there(lab, host, asked) for host in store.hosts}


def judge(replies: Mapping[str, str | None]) -> dict[str, Any]:
    """Names from the members' own numbers; the leader is the one that most of all members name."""
    statuses = {host: _status(reply) for host, reply in replies.items()}
    names = {found["header"]["member_id"]: host for host, found in statuses.items() if found}
    members = {
        host: None
        if found is None
        else {
            "leader": names.get(found.get("leader", 0)), "term": found.get("raftTerm", 0),
            "index": found.get("raftAppliedIndex", 0),
        }
        for host, found in statuses.items()
    }  # fmt: skip
    named = [found["leader"] for found in members.values() if found]
    leaders = [host for host in replies if named.count(host) > len(replies) / 2]
    return {"leader": leaders[0] if leaders else None, "members": members}


def _status(reply: str | None) -> dict[str, Any] | None:
    """The status in a reply of etcdctl; lines of warnings may stand before it."""
    for line in (reply or "").splitlines():
        if line.startswith("["):
            answers: list[dict[str, Any]] = json.loads(line)
            return answers[0]["Status"] if answers else None
    return None
