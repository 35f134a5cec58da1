"""systemd-networkd leaves alone what it did not make: without this it removes BIRD's routes whenever it starts.

Source: networkd.conf(5), ManageForeignRoutes= and ManageForeignRoutingPolicyRules= (both yes by default). A host that
networkd does not configure never reads the file.
"""

from __future__ import annotations

from trimtab.daemons.artifact import Artifact
from trimtab.estate.inventory import Host, Inventory

CONFIG = "/etc/systemd/networkd.conf.d/90-trimtab.conf"
_TEXT = """\
# Rendered by trimtab: changes here are lost. BIRD's routes are not networkd's to remove.
[Network]
ManageForeignRoutes=no
ManageForeignRoutingPolicyRules=no
"""


def render(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    return (Artifact(CONFIG, _TEXT),)
