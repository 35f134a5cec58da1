"""The unit of each etcd of a host."""

from __future__ import annotations

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.etcd.config import JOIN_HOOK, clusters_of, rendered_file, used_file
from trimtab.daemons.unit import ELECTS, unit
from trimtab.estate.inventory import Host, Inventory


def etcd(cluster: str) -> Artifact:
    lines = [
        "Type=notify",
        "User=etcd",
        "Group=etcd",
        "LimitNOFILE=65536",
        f"StateDirectory=etcd-{cluster}",
        "StateDirectoryMode=0700",
        f"RuntimeDirectory=etcd-{cluster}",
        f"ExecStartPre=+{JOIN_HOOK} {rendered_file(cluster)} {used_file(cluster)}",
        ELECTS,
        f"ExecStart=/usr/bin/etcd --config-file {used_file(cluster)}",
    ]
    return unit(f"etcd-{cluster}.service", "network-online.target", lines, f"etcd, {cluster}")


def units(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    return tuple(etcd(name) for name, _ in clusters_of(inventory, host))
