"""A registry's users and rights, made where it runs."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.result import DONE, Result
from trimtab.agent_config import RegistryAccess
from trimtab.errors import TrimtabError
from trimtab.registry.engines import SETUPS


class Bootstrap:
    """On the registry's own hosts: its users and rights, until they are as they should be."""

    def __init__(
        self, access: RegistryAccess, root_password: Path, log: Log, name: str = "registry-auth"
    ) -> None:
        self._access, self._file, self._log, self.name = access, root_password, log, name
        self._done = False

    def keys(self) -> Collection[str]:
        return () if self._done else ("auth",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        """Without the password's file there is nothing to do yet; the resync looks again."""
        if self._done or not self._file.is_file():
            return DONE
        password = self._file.read_text(encoding="utf-8").strip()
        if not password:
            raise TrimtabError(f"{self._file} is empty")
        if await SETUPS[self._access.engine](self._access, password):
            self._log.info("users and rights are set up", controller=self.name)
        self._done = True
        return DONE
