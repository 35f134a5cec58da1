"""Which directives of a unit file the twin acts on, and which it knowingly does not, each with its reason.

A directive in neither table is an error: nobody may believe that the twin proved what it never looked at.
"""

from __future__ import annotations

ONE_UID = "the twin maps one user only, so no process can change to another or be kept from what root may"
ORDER = "a node has no boot targets; its units start when its network is there"
ALONE = "the topology names the units that start, and each is started, stopped and broken by itself"
NO_SANDBOX = "sandboxing restricts a process, it does not change what a working daemon does; " + ONE_UID
NO_CGROUP = "an ordinary user has no cgroup controllers to set this with"
LOG = "a unit's output goes to its log in the twin's state folder"
TEXT = "says something to people only"
INSTALL = "the topology names the units that start"

SECTIONS = ("Unit", "Service", "Install")

UNDERSTOOD: dict[str, frozenset[str]] = {
    "Unit": frozenset(
        {"After", "Before", "StartLimitIntervalSec", "StartLimitBurst"}
    ),
    "Service": frozenset(
        {
            "Type", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecStop", "ExecStopPost", "ExecReload",
            "Restart", "RestartSec", "TimeoutStartSec", "TimeoutStopSec", "TimeoutSec", "KillMode",
            "KillSignal", "WorkingDirectory", "Environment", "EnvironmentFile", "UMask", "LimitNOFILE",
            "RemainAfterExit", "SuccessExitStatus", "RuntimeDirectory", "RuntimeDirectoryMode",
            "RuntimeDirectoryPreserve", "StateDirectory", "StateDirectoryMode", "LogsDirectory",
            "LogsDirectoryMode", "CacheDirectory", "CacheDirectoryMode", "Nice",
        }
    ),
    "Install": frozenset(),
}  # fmt: skip

NOT_ACTED_ON: dict[str, dict[str, str]] = {
    "Unit": {
        **dict.fromkeys(("Description", "Documentation"), TEXT),
        "DefaultDependencies": ORDER,
        **dict.fromkeys(("Wants", "Requires", "BindsTo", "PartOf"), ALONE),
    },
    "Service": {
        **dict.fromkeys(("User", "Group", "SupplementaryGroups", "DynamicUser"), ONE_UID),
        **dict.fromkeys(("AmbientCapabilities", "CapabilityBoundingSet", "NoNewPrivileges"), NO_SANDBOX),
        **dict.fromkeys(
            (
                "ProtectSystem", "ProtectHome", "ProtectProc", "ProcSubset", "ProtectKernelTunables",
                "ProtectKernelModules", "ProtectKernelLogs", "ProtectControlGroups", "ProtectClock",
                "ProtectHostname", "PrivateTmp", "PrivateDevices", "PrivateUsers", "DevicePolicy",
                "DeviceAllow", "ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths",
                "RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID",
                "LockPersonality", "MemoryDenyWriteExecute", "RemoveIPC", "SystemCallFilter",
                "SystemCallArchitectures", "SystemCallErrorNumber",
            ),
            NO_SANDBOX,
        ),
        **dict.fromkeys(
            (
                "OOMScoreAdjust", "CPUSchedulingPolicy", "CPUSchedulingPriority", "IOSchedulingClass",
                "Slice", "TasksMax", "MemoryMax", "MemoryHigh", "CPUQuota", "CPUWeight", "Delegate",
                "LimitMEMLOCK", "LimitNPROC", "LimitCORE", "LimitRTPRIO",
            ),
            NO_CGROUP,
        ),
        **dict.fromkeys(("StandardOutput", "StandardError", "StandardInput", "SyslogIdentifier"), LOG),
        "WatchdogSec": "the twin ends nobody for being silent: a hang there stays one until the drill undoes it",
        "NotifyAccess": "every process of the unit may notify",
        "PIDFile": "the started process is the main process; a unit that forks away is refused by its Type",
        "ConfigurationDirectory": "the node's files bring their folders along",
    },
    "Install": dict.fromkeys(("WantedBy", "RequiredBy", "Alias", "Also"), INSTALL),
}  # fmt: skip
