"""The table of engines."""

from __future__ import annotations

import pytest
from tests.registry.registry_kit import access

from trimtab.errors import BadInput
from trimtab.registry.base import AccessLike, Registry
from trimtab.registry.consul.client import Consul
from trimtab.registry.engines import ENGINES, connect, table
from trimtab.registry.etcd.client import Etcd
from trimtab.registry.kept import Kept


def inner(wanted: AccessLike) -> Registry:
    """The engine's own client, within what keeps newer records."""
    found = connect(wanted)
    assert isinstance(found, Kept)
    return found.inner


def test_each_engine_by_its_name() -> None:
    assert sorted(ENGINES) == ["consul", "etcd"]
    assert isinstance(inner(access("http://10.0.0.1:2379", engine="etcd")), Etcd)
    assert isinstance(inner(access("http://10.0.0.1:8500", engine="consul")), Consul)


def test_an_unknown_engine_names_the_known_ones() -> None:
    with pytest.raises(BadInput, match="registry engine 'zookeeper': known are consul, etcd"):
        connect(access("http://10.0.0.1:1", engine="zookeeper"))


def test_two_of_one_name_are_an_error() -> None:
    with pytest.raises(ValueError, match="two registry engines are called 'etcd'"):
        table([("etcd", Etcd), ("etcd", Consul)])
