"""Every engine of the registry, by the name that an estate gives it. Each is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

from trimtab.errors import BadInput
from trimtab.registry.base import AccessLike, Registry
from trimtab.registry.kept import Kept

Factory = Callable[[AccessLike], Registry]
Setup = Callable[
    [AccessLike, str], Awaitable[bool]
]  # with root's password: users and rights; whether something was missing


def _etcd(access: AccessLike) -> Registry:
    from trimtab.registry.etcd.client import Etcd

    return Etcd(access)


def _consul(access: AccessLike) -> Registry:
    from trimtab.registry.consul.client import Consul

    return Consul(access)


def table(entries: Iterable[tuple[str, Factory]]) -> Mapping[str, Factory]:
    """Raises ValueError for a name that stands there twice: one of the two would never run."""
    found: dict[str, Factory] = {}
    for name, factory in entries:
        if name in found:
            raise ValueError(f"two registry engines are called {name!r}")
        found[name] = factory
    return found


ENGINES = table((("consul", _consul), ("etcd", _etcd)))


async def _set_up_etcd(access: AccessLike, password: str) -> bool:
    from trimtab.registry.etcd.auth import ensure_auth

    return await ensure_auth(access, password)


# Engines that run on hosts of ours begin with no users; those that are brought have theirs.
SETUPS: Mapping[str, Setup] = {"etcd": _set_up_etcd}


def connect(access: AccessLike) -> Registry:
    """The registry that `access` names; nothing is sent yet. Raises BadInput: an unknown engine, endpoints or files."""
    factory = ENGINES.get(access.engine)
    if factory is None:
        raise BadInput(f"registry engine {access.engine!r}: known are {', '.join(sorted(ENGINES))}")
    return Kept(factory(access))
