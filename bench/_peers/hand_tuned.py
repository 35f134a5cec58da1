"""`hand-tuned`: what a careful administrator writes who knows the daemons, in whole seconds throughout.

VRRP with an advertisement a second and a script that looks for HAProxy each second; a BGP hold time of 9 s, which is a
tenth of the 90 s that RFC 4271 (10) suggests; HAProxy's own checks each 2 s.
"""

from __future__ import annotations

from _peers.edit import Peer
from _peers.parts import asking, checks, hold_time, timeouts, track_script, vrrp, without_across, without_bfd

HAND_TUNED = Peer(
    "hand-tuned",
    "VRRP 1 s and a script each second, BGP hold 9 s without BFD, HAProxy inter 2s",
    (
        *vrrp(
            1, (150, 100), "advert 1 s is keepalived's default; priorities far apart are the usual ones, and the "
            "second's skew is then (256 - 100)/256 s (RFC 5798, 6.1)",
        ),
        *track_script(
            0, "no weight, so a failure gives the addresses up at once, with priority 0 (RFC 5798, 6.4.3)",
        ),
        *without_bfd(),
        *hold_time(9, 3, "BGP's timers alone find a lost site: keepalive each third of hold (RFC 4271, 4.4)"),
        *without_across(),
        *checks("check inter 2s", "2 s is HAProxy's default; fall 3 and rise 2 too"),
        *timeouts("5s", "50s", "50s", "those of the haproxy.cfg that Debian's package brings"),
    ),
    asking(interval=1, fall=2),  # each second; twice, so that one slow answer moves nothing
)  # fmt: skip
