"""One file a kind of fault. `FAULTS` is the table of them all, by the name that scenarios use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trimtab.drills.faults.agent_releases import OlderAgents, UpgradeAgents
from trimtab.drills.faults.any_daemon import DAEMON_HANG, DAEMON_KILL
from trimtab.drills.faults.base import FaultKind
from trimtab.drills.faults.black_hole import BlackHole
from trimtab.drills.faults.cable_cut import CableCut
from trimtab.drills.faults.canary import Canary
from trimtab.drills.faults.crash_loop import CrashLoop
from trimtab.drills.faults.deploy import Deploy
from trimtab.drills.faults.die_answering import DieAnswering
from trimtab.drills.faults.drain import Drain
from trimtab.drills.faults.drain_inside import DrainInside
from trimtab.drills.faults.drain_killed import DrainKilled, LeaderKilled
from trimtab.drills.faults.estate_loss import EstateLoss
from trimtab.drills.faults.family_cut import FamilyCut
from trimtab.drills.faults.flap_link import FlapLink
from trimtab.drills.faults.flood import Flood
from trimtab.drills.faults.freeze import Freeze
from trimtab.drills.faults.half_roll import HalfRoll
from trimtab.drills.faults.hang import Hang
from trimtab.drills.faults.hijack import Hijack, ValidatorsEmpty
from trimtab.drills.faults.lead import Lead
from trimtab.drills.faults.leak import Leak
from trimtab.drills.faults.observer_blackhole import ObserverBlackhole
from trimtab.drills.faults.pool_loss import PoolLoss
from trimtab.drills.faults.power_cut import PowerCut
from trimtab.drills.faults.process_kill import ProcessKill
from trimtab.drills.faults.registry_loss import RegistryLoss
from trimtab.drills.faults.reinstall import Reinstall
from trimtab.drills.faults.reload import BadReload, Reload
from trimtab.drills.faults.second_fault import SecondFault
from trimtab.drills.faults.session_drop import SessionDrop, Withdraw
from trimtab.drills.faults.two_drains import TwoDrains
from trimtab.drills.faults.upgrade import Upgrade, UpgradeDrained
from trimtab.drills.faults.upgrade_registries import UpgradeRegistries
from trimtab.drills.faults.wrong_checks import Flap, Lie


def table(kinds: Iterable[FaultKind]) -> Mapping[str, FaultKind]:
    """Kinds by name. Raises ValueError when two share one."""
    found: dict[str, FaultKind] = {}
    for kind in kinds:
        if kind.kind in found:
            raise ValueError(f"two kinds of fault are named {kind.kind!r}")
        found[kind.kind] = kind
    return found


FAULTS = table(
    [
        PowerCut(),
        PoolLoss(),
        ProcessKill(),
        DieAnswering(),
        Hang(),
        DAEMON_KILL,
        DAEMON_HANG,
        CableCut(),
        Lead(),
        SessionDrop(),
        Withdraw(),
        FamilyCut(),
        FlapLink(),
        Leak(),
        BlackHole(),
        Reload(),
        BadReload(),
        HalfRoll(),
        Upgrade(),
        UpgradeDrained(),
        UpgradeRegistries(),
        OlderAgents(),
        UpgradeAgents(),
        RegistryLoss(),
        Reinstall(),
        Deploy(),
        Canary(),
        Flap(),
        Lie(),
        CrashLoop(),
        Drain(),
        DrainInside(),
        TwoDrains(),
        DrainKilled(),
        LeaderKilled(),
        SecondFault(),
        Freeze(),
        EstateLoss(),
        ObserverBlackhole(),
        Flood(),
        Hijack(),
        ValidatorsEmpty(),
    ]
)
