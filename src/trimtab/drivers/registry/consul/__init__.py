"""Consul as a registry, over its HTTP API. Never tested on Consul itself: on a stand-in and recorded replies only."""

from trimtab.drivers.registry.consul.client import Consul

__all__ = ["Consul"]
