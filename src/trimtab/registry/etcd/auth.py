"""Who may do what in an etcd: everything is read, and the difference is written. Twice is the same as once, and a run
that was killed half-way is finished by the next one.
"""

from __future__ import annotations

from typing import Any

from trimtab.drivers.http import Limits, text_of
from trimtab.errors import BadInput, Refused
from trimtab.registry.base import AccessLike
from trimtab.registry.etcd import wire
from trimtab.registry.etcd.gateway import Credentials, Gateway

ROLE = "trimtab"
ROOT = "root"  # the name that etcd itself wants before it enables authentication


async def ensure_auth(
    access: AccessLike, root_password: str, *, role: str = ROLE, limits: Limits | None = None
) -> bool:
    """root with its role; `role`, which may read and write the keys of `access.prefix`; `access.user` with the password
    of `access.password` and that role; authentication enabled. What is there beyond that stays. True: something was
    changed.

    Raises BadInput, Unreachable, InvalidResponse, and Refused where root has another password already.
    """
    if not access.user or access.user == ROOT or not access.password or not root_password:
        raise BadInput(
            "authentication needs a user that is not root, its password's file, and a password for root"
        )
    password = text_of(access.password, f"the password of {access.user}")
    gateway = Gateway(access, Credentials(ROOT, lambda: root_password), limits or Limits())
    try:
        return await _Setting(gateway, access, limits or Limits()).ensure(root_password, password, role)
    finally:
        gateway.close()


class _Setting:
    def __init__(self, gateway: Gateway, access: AccessLike, limits: Limits) -> None:
        self._gateway, self._access, self._limits = gateway, access, limits
        self._enabled = self._changed = False

    async def ensure(self, root_password: str, password: str, role: str) -> bool:
        self._enabled = await self._gateway.authenticate()
        await self._role(ROOT)
        await self._role(role)
        await self._reach(role)
        await self._user(ROOT, root_password, ROOT)
        await self._user(self._access.user, password, role)
        if not self._enabled:
            await self._change("/v3/auth/enable", {})
        return self._changed

    async def _role(self, role: str) -> None:
        if role not in _names(await self._gateway.call("/v3/auth/role/list", {}), "roles"):
            await self._add("/v3/auth/role/add", {"name": role})

    async def _reach(self, role: str) -> None:
        """The prefix alone: other estates in the same etcd are out of reach."""
        space = wire.Space(self._access.prefix)
        wanted = {"permType": "READWRITE", "key": wire.text(space.begin), "range_end": wire.text(space.end)}
        found = (await self._gateway.call("/v3/auth/role/get", {"role": role})).get("perm", [])
        if wanted not in found:
            await self._change("/v3/auth/role/grant", {"name": role, "perm": wanted})

    async def _user(self, user: str, password: str, role: str) -> None:
        if user not in _names(await self._gateway.call("/v3/auth/user/list", {}), "users"):
            await self._add("/v3/auth/user/add", {"name": user, "password": password})
        elif not await self._password_holds(user, password):
            await self._change("/v3/auth/user/changepw", {"name": user, "password": password})
        if role not in _names(await self._gateway.call("/v3/auth/user/get", {"name": user}), "roles"):
            await self._change("/v3/auth/user/grant", {"user": user, "role": role})

    async def _password_holds(self, user: str, password: str) -> bool:
        """Only an enabled etcd can tell; before that the password is written anew."""
        if not self._enabled:
            return False
        probe = Gateway(self._access, Credentials(user, lambda: password), self._limits)
        try:
            return await probe.authenticate()
        except Refused:
            return False
        finally:
            probe.close()

    async def _add(self, path: str, body: wire.Json) -> None:
        try:
            await self._change(path, body)
        except Refused as error:  # another host does the same at this moment
            if "already exists" not in error.message:
                raise

    async def _change(self, path: str, body: wire.Json) -> None:
        await self._gateway.call(path, body)
        self._changed = True


def _names(reply: wire.Json, kind: str) -> list[Any]:
    found = reply.get(kind, [])
    return found if isinstance(found, list) else []
