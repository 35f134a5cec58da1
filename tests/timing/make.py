"""Estates for the timing tests: text with the timers left open."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tests.estate.make import estate
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate

EXAMPLES = Path(__file__).parents[2] / "examples"

TWO_SITES = """\
estate: two
zone: two.example
objectives: {{rto: 1s, write: {{rto: 5s}}}}
groups: {{orders: {{id: 1, roles: [store]}}}}
regions: {{near: {{at: [50.0, 8.0]}}}}
sites:
  one:
    id: 1
    at: [50.0, 8.0]
    asn: 65010
    hosts: {{router: 1, proxy: {proxies}, backend: {backends}, orders: 2}}
    upstreams: {{isp: {{asn: 64500, peer: [198.51.100.1], bfd: {upstream_bfd}}}}}
  two:
    id: 2
    at: [50.0, 9.0]
    asn: 65020
    hosts: {{router: 1, proxy: 2, backend: {backends}, orders: 1}}
    upstreams: {{other: {{asn: 64501, peer: [198.51.100.9]}}}}
links: [{{between: [one, two], rtt: {rtt}}}]
edge: {{anycast: {{prefixes: [203.0.113.0/24{covering}]}}}}
tiers:
  router: {{bfd: {bfd} x 3, hold: {hold}}}
  proxy: {{engine: {engine}, upstream_keepalive: {keepalive}, timeouts: {{connect: {connect}}}}}
vrrp: {{advert: {advert}, priorities: [{priorities}], preempt: {preempt}}}
services:
  www: {{names: [www.two.example], address: {address}, routes: [{{pool: web}}]}}
pools:
  web: {{hosts: backend, port: 8080, {pool}retries: {retries}, check: {{get: /, every: {every}, fast: {fast}, fall: {fall}}}}}
stores:
  orders: {{kind: etcd, hosts: orders}}
"""

DEFAULTS = {
    "proxies": "2", "backends": "2", "upstream_bfd": "true", "rtt": "10ms", "covering": ", 198.18.0.0/22",
    "bfd": "100ms", "hold": "9s", "engine": "haproxy", "connect": "150ms", "advert": "100ms",
    "priorities": "254, 253", "preempt": "true", "keepalive": "64", "address": "site", "retries": "3", "every": "1s", "fast": "100ms",
    "fall": "3", "pool": "",
}  # fmt: skip


def two_sites(**changed: str) -> Inventory:
    return Inventory(estate(TWO_SITES.format(**{**DEFAULTS, **changed})))


@cache
def example(name: str) -> Inventory:
    return Inventory(load_estate(EXAMPLES / name / "estate.yaml"), shrink=True)


@cache
def twin_estate(name: str) -> Inventory:
    """One of those that twins of the tests are made of."""
    return Inventory(load_estate(EXAMPLES.parent / "tests/twin/estates" / f"{name}.yaml"))
