"""`trimtab show`, and `show --network`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Protocol = Literal["tcp", "udp", "icmp", "vrrp"]


@dataclass(frozen=True, slots=True)
class ShownHost:
    """One machine."""

    name: str
    """Its own."""
    ipv4: str
    """In its network."""
    ipv6: str
    """In its network."""
    vlan: int | None
    """The number of its network's VLAN; null for one without a tag."""
    roles: tuple[str, ...]
    """Those of its group."""


@dataclass(frozen=True, slots=True)
class ShownSite:
    """One site with its hosts."""

    name: str
    """The site's name."""
    id: int
    """Its stable number."""
    asn: int
    """AS number; 0 where none is stated."""
    announces: tuple[str, ...]
    """Prefixes that its routers originate."""
    hosts: tuple[ShownHost, ...]
    """By group, then by number."""


@dataclass(frozen=True, slots=True)
class ShownService:
    """One service."""

    name: str
    """The service's name."""
    names: tuple[str, ...]
    """Domain names."""
    vips: dict[str, tuple[str, ...]]
    """By site the public addresses under which it answers: at a site with `front: none` those of each proxy."""
    internal: dict[str, tuple[str, ...]]
    """By site the addresses inside, which are not announced."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything of an estate that has a name or an address."""

    estate: str
    """The estate's name."""
    sites: tuple[ShownSite, ...]
    """By id."""
    services: tuple[ShownService, ...]
    """By name."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A host and where it stands. A router has one for each network that it leads out of."""

    site: str
    """The site's name."""
    host: str
    """The host's name."""
    group: str
    """Its group."""
    network: str
    """The network's name in the site."""
    interface: str
    """By which it is connected."""
    addresses: tuple[str, ...]
    """There, with their length."""


@dataclass(frozen=True, slots=True)
class Lan:
    """A network of a site."""

    site: str
    """The site's name."""
    network: str
    """Its own name in the site."""
    vlan: int | None
    """Its number; null for one without a tag."""
    interface: str
    """As hosts call it, unless a host says otherwise."""
    prefixes: tuple[str, ...]
    """IPv4, then IPv6."""
    gateways: tuple[str, ...]
    """By which its hosts leave it."""
    groups: tuple[str, ...]
    """Whose hosts stand in it."""
    stated: bool
    """Whether the file says it; otherwise it is derived."""


@dataclass(frozen=True, slots=True)
class Link:
    """A BGP session with a network around the estate, and the link that it is on."""

    site: str
    """The site's name."""
    host: str
    """Ours."""
    upstream: str
    """Its name at the site."""
    asn: int
    """Its AS number."""
    role: str
    """transit, peer, route-server or customer."""
    interface: str
    """By which the host is connected to it; "" where nothing says that."""
    address: str
    """Ours there, with its length."""
    peer: str
    """Its router's."""
    stated: bool
    """Whether the file says ours; otherwise it is derived."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address that hosts share, or at which clients come to one of them."""

    site: str
    """Where it is held."""
    address: str
    """IPv4 or IPv6."""
    kind: Literal["public", "internal", "gateway", "anchor"]
    """public: announced, or one proxy's alone (`front: none`).  internal: of a service, inside.  gateway: of a network.  anchor: told
    to the routers alone; without them to nobody."""
    of: tuple[str, ...]
    """The services or the network that it is for."""
    at: str = ""
    """The host's own address that it is translated to, or that it is; "" for one that hosts share."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Who begins to speak with whom. Between hosts of one group: each with each."""

    site: str
    """Of those who are spoken to."""
    source: str
    """A group, with its site where that is another one; or `clients`, an upstream, `monitoring`."""
    target: str
    """A group, an upstream, or a pool with members outside."""
    protocol: Protocol
    """vrrp is IP protocol 112."""
    ports: tuple[int, ...]
    """Of the target; none where the protocol has none."""
    purpose: str
    """In words."""


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """Hosts, networks, shared addresses, links to other networks and flows."""

    estate: str
    """The estate's name."""
    hosts: tuple[Placed, ...]
    """By site, then by group and number."""
    networks: tuple[Lan, ...]
    """By site."""
    addresses: tuple[Address, ...]
    """By site."""
    links: tuple[Link, ...]
    """By site, then by upstream."""
    flows: tuple[Flow, ...]
    """By site."""
