"""At which public addresses of a site's proxies a client is served, where each proxy has its own. Asked from where clients are."""

from __future__ import annotations

from typing import Any

from trimtab.daemons.curl.ready import ask as request
from trimtab.drills.load.spec import Target
from trimtab.drills.node_exec import ask_if_there
from trimtab.drills.scene import LabLike, Scene


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """Proxy → by public address whether it serves. Empty where nobody is a client of the site."""
    public = scene.site(site).public
    every = {address for own in public.values() for address in own}
    node, target = next(
        ((r.node, t) for r in scene.regions.values() for t in r.targets if t.address in every), ("", None)
    )
    if target is None:
        return {}
    return {
        proxy: {address: judge(ask_if_there(lab, node, _command(scene, target, address))) for address in own}
        for proxy, own in public.items()
    }


def _command(scene: Scene, target: Target, address: str) -> list[str]:
    return request((f"https://{target.host}{target.path}", address, scene.ca))


def judge(reply: str | None) -> bool:
    """Of what curl prints: the status. It fails where there is none."""
    return reply is not None and reply.strip()[-3:] == "200"
