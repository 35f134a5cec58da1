"""systemd service units as far as the twin runs them: a unit file's text in, a frozen Unit out.

Follows systemd.unit(5), systemd.service(5) and systemd.exec(5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast, get_args

from trimtab.errors import BadInput
from trimtab.lab.command import Command
from trimtab.lab.unit_file import Directory, UnitFile

Type = Literal["simple", "exec", "notify", "oneshot"]
Restart = Literal["no", "always", "on-failure", "on-success", "on-abnormal"]
KillMode = Literal["control-group", "mixed", "process", "none"]
Preserve = Literal["no", "yes", "restart"]
TRUE = ("yes", "true", "on", "1")
BOOLEAN = ("no", "false", "off", "0", *TRUE)


@dataclass(frozen=True, slots=True)
class Unit:
    """One service.

    Times in seconds, None for no limit. `ignored`: directives of the file that the twin does not act on.
    """

    name: str
    type: Type = "simple"
    start_pre: tuple[Command, ...] = ()
    start: tuple[Command, ...] = ()
    start_post: tuple[Command, ...] = ()
    stop: tuple[Command, ...] = ()
    stop_post: tuple[Command, ...] = ()
    reload: tuple[Command, ...] = ()
    restart: Restart = "no"
    restart_s: float = 0.1
    timeout_start_s: float | None = 90.0
    timeout_stop_s: float | None = 90.0
    kill_mode: KillMode = "control-group"
    kill_signal: str = "SIGTERM"
    working_directory: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    environment_files: tuple[str, ...] = ()
    umask: int = 0o022
    limit_nofile: int | None = None
    nice: int = 0
    remain_after_exit: bool = False
    success_status: tuple[str, ...] = ()
    runtime: tuple[Directory, ...] = ()
    runtime_preserve: Preserve = "no"
    state: tuple[Directory, ...] = ()
    logs: tuple[Directory, ...] = ()
    cache: tuple[Directory, ...] = ()
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    start_limit_interval_s: float = 10.0
    start_limit_burst: int = 5
    ignored: tuple[str, ...] = ()

    def starts_after(self, other: Unit) -> bool:
        """Whether After= or Before= puts `other` first, if both start."""
        return self.name != other.name and (other.name in self.after or self.name in other.before)


def parse(text: str, name: str, *, path: str = "", host: str = "localhost") -> Unit:
    """Parse the unit file `text` of the unit `name` (`haproxy.service`) on `host`. Raises BadInput."""
    file = UnitFile(text, name, path or name, host)
    limit = file.seconds("TimeoutSec", 90.0)
    unit = Unit(
        name=name,
        type=cast(Type, file.choice("Type", get_args(Type), "simple")),
        start_pre=file.commands("ExecStartPre"),
        start=file.commands("ExecStart"),
        start_post=file.commands("ExecStartPost"),
        stop=file.commands("ExecStop"),
        stop_post=file.commands("ExecStopPost"),
        reload=file.commands("ExecReload"),
        restart=cast(Restart, file.choice("Restart", get_args(Restart), "no")),
        restart_s=file.seconds("RestartSec", 0.1) or 0.0,
        timeout_start_s=file.seconds("TimeoutStartSec", limit),
        timeout_stop_s=file.seconds("TimeoutStopSec", limit),
        kill_mode=cast(KillMode, file.choice("KillMode", get_args(KillMode), "control-group")),
        kill_signal=file.signal("KillSignal", "SIGTERM"),
        working_directory=file.last("WorkingDirectory"),
        environment=file.environment("Environment"),
        environment_files=tuple(file.words("EnvironmentFile")),
        umask=file.number("UMask", 8, 0o022),
        limit_nofile=file.limit("LimitNOFILE"),
        nice=file.number("Nice", 10, 0),
        remain_after_exit=file.choice("RemainAfterExit", BOOLEAN, "no") in TRUE,
        success_status=tuple(file.words("SuccessExitStatus")),
        runtime=file.directories("Runtime", "/run"),
        runtime_preserve=cast(Preserve, file.choice("RuntimeDirectoryPreserve", get_args(Preserve), "no")),
        state=file.directories("State", "/var/lib"),
        logs=file.directories("Logs", "/var/log"),
        cache=file.directories("Cache", "/var/cache"),
        after=tuple(file.words("After")),
        before=tuple(file.words("Before")),
        start_limit_interval_s=file.seconds("StartLimitIntervalSec", 10.0) or 0.0,
        start_limit_burst=file.number("StartLimitBurst", 10, 5),
        ignored=file.ignored,
    )
    if not unit.start or (len(unit.start) > 1 and unit.type != "oneshot"):
        raise BadInput(f"{file.path}: {len(unit.start)} ExecStart= lines, Type={unit.type} has exactly one")
    return unit
