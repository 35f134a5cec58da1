"""Where an agent keeps what it keeps. The defaults are those of a host; tests and other roots have their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from trimtab import agent_config

ROOT_PASSWORD = "registry-root.password"


@dataclass(frozen=True, slots=True)
class Paths:
    """file: agent.json.  state: survives a power cut.  run: gone with a boot.  register: what this host registers.
    pki: the root password of the registry may lie there.
    """

    file: Path = Path(agent_config.PATH)
    state: Path = Path(agent_config.STATE)
    run: Path = Path(agent_config.RUN) / "agent"
    register: Path = Path(agent_config.REGISTER)
    pki: Path = Path("/etc/trimtab/pki")

    def under(self, root: Path) -> Paths:
        """The same below another root."""
        moved = {
            name: root / getattr(self, name).relative_to("/")
            for name in ("file", "state", "run", "register", "pki")
        }
        return replace(self, **moved)

    @property
    def members(self) -> Path:
        return self.state / Path(agent_config.MEMBERS).name

    @property
    def members_copy(self) -> Path:
        """Beside `run`, which a service manager empties when the agent stops."""
        return self.run.parent / Path(agent_config.MEMBERS_COPY).name

    @property
    def store(self) -> Path:
        return self.state / "store.json"

    @property
    def registered(self) -> Path:
        return self.state / "registered.json"

    @property
    def lock(self) -> Path:
        return self.state / "agent.lock"

    @property
    def status(self) -> Path:
        return self.run / "status.json"

    @property
    def loaded(self) -> Path:
        """Beside `run`: a service manager empties that one when the agent stops."""
        return self.run.parent / "nginx.loaded"

    @property
    def root_password(self) -> Path:
        return self.pki / ROOT_PASSWORD
