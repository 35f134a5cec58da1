"""What the status tells of members: what the proxy is told of each, and whose word is on it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.agent.control_kit import hosts_pool

from trimtab.agent.membership.desired import Desired
from trimtab.agent.membership.store import Store
from trimtab.agent.status import Status
from trimtab.agent_config import ProxyFile
from trimtab.registry.base import Snapshot
from trimtab.registry.codec import encode
from trimtab.registry.record import Override, Record, key_of


def members(status: Status) -> dict[str, Any]:
    return {each["name"]: each for each in json.loads(status.content())["pools"]["web"]["members"]}


def test_members_have_a_state_and_whose_word_it_is(tmp_path: Path) -> None:
    store = Store(lambda key, reason, text: None)
    pool = hosts_pool("web", 4)
    names = [server.name for server in pool.servers]
    desired = Desired(ProxyFile("haproxy", "haproxy.service", pools=(pool,)), store)
    status = Status(tmp_path / "status.json", lambda: {"refused": []}, desired)

    def says(*records: Record, revision: int) -> dict[str, Any]:
        store.replace(Snapshot(revision, {key_of(r): encode(r) for r in records}), float(revision))
        desired.refresh(["web"])
        return members(status)

    drain = Override("web", names[0], "drain", None, "li@x", "disk", 1.0)
    maint, light = (
        replace(drain, name=names[1], state="maint"),
        replace(drain, name=names[2], state="ready", weight=7),
    )
    found = says(drain, maint, light, revision=1)
    assert [found[name]["state"] for name in names] == ["drain", "maint", "ready", "ready"]
    assert [found[name].get("by") for name in names] == ["li@x", "li@x", "li@x", None]
    assert found[names[0]]["reason"] == "disk" and "reason" not in found[names[3]]
    again = says(replace(drain, reason="fan"), maint, light, revision=2)
    assert again[names[0]]["reason"] == "fan"
    back = says(replace(drain, state="ready"), revision=3)
    assert back[names[0]]["state"] == "ready" and "by" not in back[names[0]]
