"""Which version of its program serves: the proxies of a site, and every registry with the version that its cluster has
agreed on. The running process is asked, not the file that would be started next.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from trimtab.daemons.etcd.config import ESTATE, REGISTRY
from trimtab.daemons.pki import CA, CERTIFICATE, KEY
from trimtab.drills.node_exec import ask_if_there, asked
from trimtab.drills.scene import LabLike, Scene
from trimtab.estate.addressing import PORTS

ETCD = ("curl", "-s", "--max-time", "2", "--cacert", CA, "--cert", CERTIFICATE, "--key", KEY)


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """By host {program: version}; a program that does not answer is left out."""
    found = {proxy: asked(lab, proxy, scene.serving.release) for proxy in scene.site(site).proxies}
    for place in scene.sites.values():
        found |= {host: _stores(lab, scene, host) for host in place.registries}
    return found


def _stores(lab: LabLike, scene: Scene, host: str) -> dict[str, str]:
    found = judge_etcd(REGISTRY, ask_if_there(lab, host, _etcd(PORTS["etcd-client"])))
    store = scene.estate_store
    if store is not None and host in store.hosts:
        found |= judge_etcd(ESTATE, ask_if_there(lab, host, _etcd(store.client_port)))
    return found


def _etcd(port: int) -> Sequence[str]:
    return (*ETCD, f"https://127.0.0.1:{port}/version")


def judge_etcd(cluster: str, reply: str | None) -> dict[str, str]:
    """Of GET /version: {"etcdserver":"3.4.23","etcdcluster":"3.4.0"}; the second is what all members can speak."""
    try:
        found = json.loads(reply or "")
        return {f"{cluster}": str(found["etcdserver"]), f"{cluster} cluster": str(found["etcdcluster"])}
    except (ValueError, KeyError, TypeError):
        return {}
