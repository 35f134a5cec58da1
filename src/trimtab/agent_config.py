"""What an agent has to know of its host: the one file between what renders (`daemons/agent/config.py`) and what runs (`agent/`).

Plain frozen values and JSON, so that an agent starts without the model of the estate. Unknown keys are refused: an agent
never runs on half a file. A later Trimtab writes `format` where an older agent would misread its file.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from trimtab import codec

PATH = "/etc/trimtab/agent.json"
STATE = "/var/lib/trimtab"  # survives a restart and a power cut
RUN = "/run/trimtab"
MEMBERS = f"{STATE}/members.json"  # the last good membership; `proxy-members` renders it into every start and reload
STEER = f"{STATE}/steer.conf"  # what of this site BIRD announces as second choice, or not at all
BLACKHOLES = f"{STATE}/blackhole.conf"  # which hosts of this site are black-holed, as BIRD reads it
MEMBERS_COPY = f"{RUN}/members.json"  # the same once more, not on the disk
REGISTER = "/etc/trimtab/register.d"  # what this host registers: one JSON object a file
KEEPALIVED_RELOADING = "/run/keepalived.reload"  # it removes this once it has read its file anew
FORMAT = 1  # of this file; from 2 on it says so itself
UPGRADE = "upgrade the agent of this host first"
TWIN_UNITS = "/run/trimtab-lab/units.sock"  # in the twin, in the place of systemd


@dataclass(frozen=True, slots=True)
class Probe:
    """How a daemon is asked whether it works. http: `target` is a URL that answers 200; command: a shell-less command
    line whose output has `expect`; process: that it runs is all there is to ask.
    """

    kind: Literal["http", "command", "process"]
    target: str = ""
    expect: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """A daemon that the agent keeps alive."""

    name: str
    probe: Probe


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """Where the site's registry is and how to be let in. engine: `etcd` or `consul`. Paths are of files of the host;
    "": none. password, token: files.
    """

    engine: str
    endpoints: tuple[str, ...]
    prefix: str
    ca: str = ""
    certificate: str = ""
    key: str = ""
    user: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that the configuration file has: a host of the estate (address given), or a member by address."""

    id: int
    name: str
    address: str
    weight: int = 100
    backup: bool = False


@dataclass(frozen=True, slots=True)
class PoolFile:
    """A pool of the proxy. registry: the name under which its endpoints register, "" where the file has them all
    (`servers`; a registry then only has the operator's override on them, under the pool's name).

    slots: preallocated servers `m1` to `mN`, by the member's id; ids beyond them become dynamic servers `mID` with
    `options`, if `dynamic`. panic: below this share (percent) of healthy members all of them are used; at least one.
    spare: the name of the second backend, without checks, that serves then (same server names and ids).
    patient: that of a third one, for bodies and tunnels, whose servers follow the state of the pool's own.
    """

    name: str
    registry: str = ""
    slots: int = 0
    dynamic: bool = True
    options: str = ""
    panic: int = 0
    spare: str = ""
    patient: str = ""
    servers: tuple[Server, ...] = ()


@dataclass(frozen=True, slots=True)
class SplitFile:
    """A route's shares as the estate has them. Bounds go to SPLIT_MAP under `SERVICE/NAME/POOL`, in the pools' order by
    name: the running sum of the shares, scaled to 0 to 10,000. What divides goes to BY_MAP under `SERVICE/NAME`.
    """

    service: str
    name: str
    shares: dict[str, int]
    by: str = "percent"


@dataclass(frozen=True, slots=True)
class ProxyFile:
    """The proxy of this host. socket: HAProxy's Runtime API. maps: the folder with split.map, by.map, floor.map.
    drain: seconds that a worker may stay after a reload.
    """

    engine: str
    unit: str
    socket: str = "/run/haproxy/admin.sock"
    maps: str = "/run/haproxy"
    pools: tuple[PoolFile, ...] = ()
    splits: tuple[SplitFile, ...] = ()
    front: FrontFile | None = None
    drain: float = 60.0


@dataclass(frozen=True, slots=True)
class FrontFile:
    """On a proxy: the site's addresses, which VRRP moves, and the seconds that it takes to; where it has none the anchor, which is
    there while the proxy carries.
    """

    vips: tuple[str, ...]
    vrrp: float


@dataclass(frozen=True, slots=True)
class SteerFile:
    """On a router: what its BIRD announces, by family (`4`, `6`), and of each other site its own prefixes with its AS: what
    upstreams say of them is an outside word on whether they are gone. socket: BIRD's; a `.json` file is what ExaBGP's
    `announce` has told. sessions: with upstreams, by name, the families whose routes each carries. blackholes: of these, the
    upstream of each that accepts black holes; None where no upstream of the site does.
    """

    announced: dict[str, tuple[str, ...]]
    others: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ases: dict[str, int] = field(default_factory=dict)
    socket: str = "/run/bird/bird.ctl"
    sessions: dict[str, tuple[int, ...]] = field(default_factory=dict)
    blackholes: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Front:
    """A site's endpoint. name: of a service there, for SNI and Host; path: a path that it answers. Of several addresses of one
    family clients take another one where one does not answer.
    """

    site: str
    addresses: tuple[str, ...]
    name: str
    path: str = "/"


@dataclass(frozen=True, slots=True)
class WatchFile:
    """On a host that holds no VIP: every site's endpoint, how it is probed (seconds), and when it counts."""

    fronts: tuple[Front, ...]
    probes: tuple[Literal["https", "tcp", "icmp"], ...]
    every: float
    timeout: float
    fall: int
    rise: int
    ca: str = ""


@dataclass(frozen=True, slots=True)
class SiteFile:
    """capacity: requests/s of its front, None where it is not measured."""

    routers: tuple[str, ...]
    proxies: tuple[str, ...]
    capacity: float | None = None


@dataclass(frozen=True, slots=True)
class ArbiterFile:
    """What an agent has to know to judge sites as a command does, and, if `automatic`, to ask for drains as an operator
    would. ramp, pause: see `ops.drain.plan.Plan`. floor, members, changes, window, load: see
    `ops.arbiter.world.Limits`; vantage, quorum: who has to agree; settle, patience, restore: seconds.
    """

    sites: dict[str, SiteFile]
    vantage: tuple[str, ...]
    quorum: int | None
    floor: int
    members: float
    changes: int
    window: float
    load: float | None
    settle: float
    patience: float
    restore: float
    automatic: bool = True
    ramp: tuple[int, ...] = ()
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class AskedPool:
    """A pool as the arbiter counts it at the host's site. name: as the estate has it; registry: as the registry has it;
    hosts: those that the estate names, `ranges_of`; registers: whether others may come.
    """

    name: str
    registry: str
    hosts: tuple[str, ...] = ()
    registers: bool = False


@dataclass(frozen=True, slots=True)
class AsksFile:
    """What a host has to know to ask before it takes itself out. store: the estate's, which is asked and never followed.
    members: the share (percent) of a pool that has to be left. pools: those that it may be in.
    """

    store: RegistryAccess
    members: float
    pools: tuple[AskedPool, ...]


@dataclass(frozen=True, slots=True)
class AgentFile:
    """The whole. supervisor: `systemd`, or `unix:PATH` of a socket that does its work. serves: the pools that have this
    host from the estate itself, by the name under which the registry has them, each with all its members at the site
    that the estate names (`names_of`); those that it registers for are in REGISTER.
    discovers: the names under which something may register; others would reach no pool. estate_store: of hosts that
    steer or watch. arbiter: of hosts that may ask for a drain by themselves. asks: of hosts that may be members.
    """

    host: str
    site: str
    estate: str
    address: str
    metrics_port: int
    supervisor: str
    units: tuple[Unit, ...] = ()
    registry: RegistryAccess | None = None
    proxy: ProxyFile | None = None
    serves: dict[str, tuple[str, ...]] = field(default_factory=dict)
    estate_store: RegistryAccess | None = None
    steer: SteerFile | None = None
    watch: WatchFile | None = None
    arbiter: ArbiterFile | None = None
    discovers: tuple[str, ...] = ()
    asks: AsksFile | None = None


SPLIT_MAP, BY_MAP, FLOOR_MAP = "split.map", "by.map", "floor.map"
SCALE = 10_000


def bounds(shares: Mapping[str, int]) -> dict[str, int]:
    """Pool → its upper bound below SCALE, in the pools' order by name. A draw below it, and not below the one before,
    is this pool's."""
    total, found, sum_ = sum(shares.values()), {}, 0
    for pool, share in sorted(shares.items()):
        sum_ += share
        found[pool] = round(SCALE * sum_ / total)
    return found


def floor_of(panic: int, members: int) -> int:
    """How many healthy members are too few: below it the pool uses all that it has. At least one."""
    return max(1, -(-members * panic // 100))


def ranges_of(names: Iterable[str]) -> tuple[str, ...]:
    """Names in short: what differs only by the number at its end, and consecutively, is `PREFIX-1..12`."""
    runs: list[tuple[str, int | None, int]] = []
    for prefix, number in sorted({_numbered(name) for name in names}, key=lambda n: (n[0], n[1] or 0)):
        if (
            number is not None
            and runs
            and runs[-1][1] is not None
            and (runs[-1][0], runs[-1][2] + 1) == (prefix, number)
        ):
            runs[-1] = (prefix, runs[-1][1], number)
        else:
            runs.append((prefix, number, number or 0))
    return tuple(p if n is None else f"{p}{n}" + (f"..{last}" if last > n else "") for p, n, last in runs)


def names_of(ranges: Iterable[str]) -> tuple[str, ...]:
    """The names that `ranges_of` wrote in short. Raises ValueError."""
    found: list[str] = []
    for each in ranges:
        name, _, last = each.partition("..")
        if not last:
            found.append(name)
            continue
        prefix, first = _numbered(name)
        if first is None:
            raise ValueError(f"{each!r} is no range of names: it begins without a number")
        found += [f"{prefix}{number}" for number in range(first, int(last) + 1)]
    return tuple(found)


def _numbered(name: str) -> tuple[str, int | None]:
    """The name without the number at its end, and the number; zeros before it are of the name. None for a name without."""
    prefix = name.rstrip("0123456789")
    digits = name.removeprefix(prefix)
    if not digits:
        return name, None
    number = digits.lstrip("0") or "0"
    return name.removesuffix(number), int(number)


def dump(agent: AgentFile) -> str:
    """What an agent of an earlier release does not know is left out where it says nothing: that one refuses unknown keys."""
    said = dataclasses.asdict(agent)
    if said["arbiter"] is not None and not said["arbiter"]["ramp"]:
        del said["arbiter"]["ramp"], said["arbiter"]["pause"]
    return json.dumps(said, indent=1, sort_keys=True) + "\n"


def load(text: str) -> AgentFile:
    """Raises ValueError with the place of what does not fit."""
    value = json.loads(text)
    written = value.pop("format", 1) if isinstance(value, dict) else 1
    if not isinstance(written, int) or isinstance(written, bool) or not 1 <= written <= FORMAT:
        raise ValueError(f"format {written!r}, at most {FORMAT} is read here: {UPGRADE}")
    try:
        return codec.read(AgentFile, value)
    except codec.UnknownKey as error:
        raise ValueError(f"{error}; if a later Trimtab wrote it, {UPGRADE}") from error
