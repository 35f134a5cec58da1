"""Consul as a registry, over its HTTP API. Tested on Consul 1.8.7: three servers, agents, ACLs, TLS."""

from trimtab.registry.consul.client import Consul

__all__ = ["Consul"]
