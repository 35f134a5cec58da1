"""What a load process is told, as a JSON file written by the runner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trimtab import codec


@dataclass(frozen=True, slots=True)
class Target:
    """One address of a service. host: for SNI, Host and the certificate's name; path: asked for with GET. others: what the
    same name has beside it, for whoever gets no connection there.
    """

    service: str
    host: str
    path: str
    address: str
    port: int = 443
    others: tuple[str, ...] = ()

    @property
    def family(self) -> int:
        return 6 if ":" in self.address else 4


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """rates: requests a second, sent `burst` at a time.  duration: the longest run in seconds; the end of standard input ends it.

    sources: client addresses by family ("4", "6"), bound in turn; none leaves the choice to the kernel.
    ramp: in so many seconds the rates grow to what they are.
    timeout: seconds for an attempt; below the 1 s after which the kernel sends a lost SYN again, because that
    would turn a failure into a slow success and round every outage up to the next retransmission.
    retry_pause: least and greatest seconds before the one retry of a failed request, spread evenly.
    retry_rate, retry_burst: retries a second, and how many at once; beyond them a failure is final. Without
    such a budget, which real clients have as well, the retries of one outage can be the cause of the next.
    """

    region: str
    targets: tuple[Target, ...]
    ca: str
    out: str
    sources: Mapping[str, tuple[str, ...]]
    duration: float = 300.0
    new_rate: float = 100.0
    kept_rate: float = 50.0
    burst: int = 2
    ramp: float = 0.0
    kept_connections: int = 16
    timeout: float = 0.9
    retry_pause: tuple[float, float] = (0.25, 1.0)
    retry_rate: float = 30.0
    retry_burst: float = 150.0
    seed: int = 0

    def write(self, path: Path) -> None:
        path.write_text(codec.dumps(self))


def read_spec(path: Path) -> LoadSpec:
    """The spec in a file. Raises OSError, ValueError for an unknown or missing key, or another kind of value."""
    return codec.loads(LoadSpec, path.read_text())
