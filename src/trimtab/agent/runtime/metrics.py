"""What Prometheus reads of an agent. Label values come from closed sets and the estate's own names, never from a record.

Names follow prometheus.io/docs/practices/naming: base units, `_total` for counters.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import metadata
from socketserver import TCPServer
from threading import Thread
from typing import Any, Protocol
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.process_collector import ProcessCollector

DURATIONS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
PoolCounts = Callable[[], Iterable[tuple[str, str, str, int]]]  # pool, "state" or "known", its value, members


class StoreFigures(Protocol):
    """What is told of a store that is followed: the site's registry, or the estate's own."""

    @property
    def errors(self) -> Counter: ...
    @property
    def registry_revision(self) -> Gauge: ...
    def hear(self, up: bool) -> None: ...


class Metrics:
    """One agent's figures, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = reg = CollectorRegistry()
        ProcessCollector(registry=reg)
        self.reconciles = Counter("trimtab_reconciles", "Keys reconciled", ["controller"], registry=reg)
        self.errors = Counter(
            "trimtab_reconcile_errors", "Keys that failed", ["controller", "kind"], registry=reg
        )
        self.durations = Histogram(
            "trimtab_reconcile_seconds",
            "Length of a reconcile",
            ["controller"],
            buckets=DURATIONS,
            registry=reg,
        )
        self.failing = Gauge("trimtab_failing_keys", "Keys that fail now", ["controller"], registry=reg)
        self.registry_up = Gauge("trimtab_registry_up", "The registry answers", registry=reg)
        self.registry_revision = Gauge("trimtab_registry_revision", "Last revision seen", registry=reg)
        self.registry_heard = Gauge(
            "trimtab_registry_last_heard_seconds", "Since its last word", registry=reg
        )
        self.estate = EstateFigures(self.errors, reg)
        self.records_refused = Counter("trimtab_records_refused", "Records refused", ["reason"], registry=reg)
        self.actions_refused = Counter("trimtab_actions_refused", "Actions refused", ["reason"], registry=reg)
        self.commands = Counter("trimtab_proxy_commands", "Runtime commands sent to the proxy", registry=reg)
        self.proxy_starts = Counter("trimtab_proxy_generations", "New proxy processes seen", registry=reg)
        self.reloads = Counter("trimtab_proxy_reloads", "Reloads of the proxy asked for", registry=reg)
        self.restarts = Counter(
            "trimtab_unit_restarts", "Restarts by the agent", ["unit", "reason"], registry=reg
        )
        self.escalated = Gauge(
            "trimtab_unit_escalated", "Restarts do not help: a human has to", ["unit"], registry=reg
        )
        self.unit_up = Gauge(
            "trimtab_unit_works", "1 it works, 0 it does not, -1 unknown", ["unit"], registry=reg
        )
        self.over_limit = Gauge(
            "trimtab_bgp_session_over_limit",
            "1 the neighbour sent more routes than are taken: it stays down until an operator enables it",
            ["session"],
            registry=reg,
        )
        self.sessions = SessionFigures(reg)
        self.blackholes = BlackholeFigures(reg)
        self.registrations = Gauge(
            "trimtab_registrations", "What this host registers", ["state"], registry=reg
        )
        self.connections = Gauge(
            "trimtab_proxy_connections", "Connections of the proxy now; -1 unknown", registry=reg
        )
        self.connections.set(-1)
        self.build = Gauge("trimtab_build_info", "Always 1", ["version"], registry=reg)
        self.build.labels(version()).set(1)

    def hear(self, up: bool) -> None:
        """The registry has answered, or has not."""
        self.registry_up.set(int(up))

    def heard_at(self, last: Callable[[], float]) -> None:
        """last: when the registry was heard last, seconds since 1970; 0 never, shown as -1."""
        self.registry_heard.set_function(lambda: time.time() - last() if last() else -1.0)

    def count_pools(self, counts: PoolCounts) -> None:
        """Counted when somebody asks, so that a change of thousands costs nothing here."""
        self.registry.register(_Pools(counts))

    def tell_hold_down(self, losses: Callable[[], float], held_s: Callable[[], float]) -> None:
        """On a proxy; asked when somebody asks. losses: of its anchor, as far as they count.  held_s: until it may come back."""
        Gauge(
            "trimtab_front_losses",
            "Times that the site lost this proxy's anchor lately",
            registry=self.registry,
        ).set_function(losses)
        Gauge(
            "trimtab_front_held_seconds", "Until it may announce again; 0 it may", registry=self.registry
        ).set_function(held_s)

    def serve(self, address: str, port: int) -> Callable[[], None]:
        """A thread answers from now on; returns what ends it. Raises OSError where the port is taken."""
        server = make_server(address, port, make_wsgi_app(self.registry), _Server, _Handler)
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()

        def end() -> None:
            server.shutdown()
            server.server_close()
            thread.join(2.0)

        return end


class Ends(Protocol):
    """A black hole, as far as it is counted."""

    @property
    def until(self) -> float: ...


class BlackholeFigures:
    """What a router says of the hosts that it drops; which ones, no label says: they come from a record."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.count = Gauge("trimtab_blackholes", "Hosts of the site that are black-holed", registry=registry)
        self.verified = Gauge(
            "trimtab_blackholes_verified",
            "1 the upstreams that are to be told were, and nobody else; 0 not so",
            registry=registry,
        )
        self.last_end = Gauge(
            "trimtab_blackholes_last_end_timestamp_seconds",
            "When the last of them ends, 0 for none",
            registry=registry,
        )

    def say(self, holes: Sequence[Ends], verified: bool) -> None:
        self.count.set(len(holes))
        self.verified.set(int(verified))
        self.last_end.set(max((each.until for each in holes), default=0.0))


class SessionFigures:
    """What a router says of its neighbours and of its RPKI validators."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.up = Gauge("trimtab_bgp_session_up", "1 established, 0 not", ["session"], registry=registry)
        self.flaps = Counter(
            "trimtab_bgp_session_flaps", "Times that a session ended", ["session"], registry=registry
        )
        self.routes = Gauge(
            "trimtab_bgp_session_routes",
            "Routes that are taken, refused and told",
            ["session", "channel", "state"],
            registry=registry,
        )
        self.bfd = Gauge(
            "trimtab_bfd_session_up", "1 the session's BFD is up, 0 it is not", ["session"], registry=registry
        )
        self.bfd_flaps = Counter(
            "trimtab_bfd_session_flaps", "How often the session's BFD ended", ["session"], registry=registry
        )
        self.rtt = Gauge(
            "trimtab_bgp_session_rtt_seconds",
            "Smoothed round trip of the session's TCP connection",
            ["session"],
            registry=registry,
        )
        self.validator_up = Gauge(
            "trimtab_rpki_validator_up", "1 it answers, 0 it does not", ["validator"], registry=registry
        )
        self.roas = Gauge(
            "trimtab_rpki_roas", "ROAs that count now", ["validator", "family"], registry=registry
        )
        self.aspas = Gauge("trimtab_rpki_aspas", "ASPAs that count now", ["validator"], registry=registry)


class _Server(ThreadingWSGIServer):
    """http.server asks DNS how it is called, and where DNS is away the agent would stand still for ten seconds."""

    def server_bind(self) -> None:
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: one line a scrape helps nobody."""


class EstateFigures:
    """The same of the estate's own store."""

    def __init__(self, errors: Counter, registry: CollectorRegistry) -> None:
        self.errors = errors
        self.up = Gauge("trimtab_estate_store_up", "The estate's store answers", registry=registry)
        self.registry_revision = Gauge(
            "trimtab_estate_store_revision", "Last revision seen of the estate's store", registry=registry
        )

    def hear(self, up: bool) -> None:
        self.up.set(int(up))


class _Pools:
    def __init__(self, counts: PoolCounts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Any]:
        families = {
            "state": GaugeMetricFamily("trimtab_pool_members", "Members by state", labels=["pool", "state"]),
            "known": GaugeMetricFamily(
                "trimtab_pool_health", "Members by their own word", labels=["pool", "known"]
            ),
        }
        for pool, label, value, count in self._counts():
            families[label].add_metric([pool, value], count)
        yield from families.values()

    def describe(self) -> list[Any]:
        return []


def version() -> str:
    try:
        return metadata.version("trimtab")
    except metadata.PackageNotFoundError:
        return "unknown"
