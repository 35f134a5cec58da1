"""etcd as a registry, over its v3 JSON gateway (etcd 3.4, "Why gRPC gateway"; `enable-grpc-gateway: true` in its file)."""

from trimtab.registry.etcd.client import Etcd

__all__ = ["Etcd"]
