"""What a drill of versions needs: another Debian beside this machine's own. Known before there is a twin."""

from __future__ import annotations

from trimtab.delivery import systems
from trimtab.drills.faults.base import Arguments
from trimtab.drills.faults.preconditions import needs_store
from trimtab.drills.scene import Scene
from trimtab.errors import BadInput
from trimtab.lab import system


def other_release() -> str:
    """The one that this machine is not."""
    own = systems.own_platform()
    return next(release for release, platform in reversed(list(systems.RELEASES.items())) if platform != own)


def needs_system(scene: Scene, arguments: Arguments) -> None:
    """Raises EnvironmentUnable where there is no other system: before there is a twin."""
    system.require(other_release(), (f"/usr/sbin/{scene.engine}",))


def needs_in_place(scene: Scene, arguments: Arguments) -> None:
    if not scene.serving.in_place:
        raise BadInput(
            f"{scene.engine} takes no other program up by a reload",
            "proxy-version-upgrade-drained starts it anew",
        )
    needs_system(scene, arguments)


def needs_drain_and_system(scene: Scene, arguments: Arguments) -> None:
    needs_store(scene, arguments)
    if len(scene.site(arguments["site"]).proxies) < 2:
        raise BadInput(f"{arguments['site']} has one proxy", "nobody would take the addresses meanwhile")
    needs_system(scene, arguments)


def etcd_systems() -> tuple[str, str]:
    """From which system to which: etcd goes up only. "" is this machine's own."""
    other = other_release()
    up = list(systems.RELEASES).index(other) > 0
    return ("", other) if up else (other, "")


def needs_etcd_upgrade(scene: Scene, arguments: Arguments) -> None:
    """Three members a site: with fewer the registry is away while one of them is upgraded."""
    if scene.estate_store is None:
        raise BadInput(
            "the registry is no etcd, and this drill upgrades etcd", "it needs `registry: {engine: etcd}`"
        )
    for site in scene.sites.values():
        if 0 < len(site.registries) < 3:
            raise BadInput(
                f"{site.name} has {len(site.registries)} registry host in the twin, an upgrade under way needs 3",
                "`--full`, or `registry: 3` under `twin: {at_most: …}`",
            )
    system.require(other_release(), ("/usr/bin/etcd", "/usr/bin/etcdctl"))
