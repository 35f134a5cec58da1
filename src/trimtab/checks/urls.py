"""Where a redirect leads: which of our services answers its target, and by which route."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from trimtab.checks.subject import Subject
from trimtab.estate.service import Route

PORTS = {"http": (None, 80), "https": (None, 443)}


def parsed(url: str | None) -> SplitResult | None:
    """A URL in its parts; None where there is none, or one that cannot be read."""
    try:
        target = urlsplit(url or "")
        return target if target.hostname and target.port in PORTS[target.scheme] else None
    except (ValueError, KeyError):
        return None  # another port, or a host that is none: nobody of ours answers there


def owner(subject: Subject, target: SplitResult) -> str | None:
    """The service that answers for the target's host; plain http counts, because port 80 redirects to it."""
    return subject.owners.get(target.hostname or "")


def taken_by(subject: Subject, service: str, target: SplitResult) -> int | None:
    """The first route that takes a GET of the target; None if none does."""
    routes = subject.estate.services[service].routes
    return next((index for index, route in enumerate(routes) if _takes(route, target)), None)


def _takes(route: Route, target: SplitResult) -> bool:
    """A route that asks for a header is passed over: a client without it sees what comes after."""
    path = target.path or "/"
    return (
        path.startswith(route.path or "/")
        and (not route.suffix or path.endswith(route.suffix))
        and (not route.host or target.hostname in route.host)
        and (not route.method or "GET" in route.method)
        and not route.header
    )
