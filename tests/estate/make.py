"""Small estates for tests."""

from __future__ import annotations

from trimtab.estate.estate import Estate
from trimtab.estate.load import read_estate

SMALL = """\
estate: small
zone: small.example
sites:
  one:
    id: 1
    at: [22.3, 114.2]
    asn: 65010
    hosts: {router: 1, proxy: 2, backend: 2}
    upstreams:
      isp: {asn: 64500, peer: [198.51.100.1, 2001:db8:ff01::1]}
services:
  www:
    names: [www.small.example]
    routes: [{pool: web}]
pools:
  web: {hosts: backend, port: 8080, check: {get: /health}}
"""


def estate(text: str = SMALL) -> Estate:
    return read_estate(text)[0]
