"""`sources`: what two published guides to such an estate state (three sites, anycast, HAProxy pairs with VRRP).

Guide A describes a shop in three sites that is much like examples/shop; guide B is a general manual for large sites.
Where both state a value, the faster one is taken; where neither does, the daemon's default. A's own drill reports 23 s
for a lost site and 18 s for a lost BGP session; both are said to follow a program of its own which is not given.

| what | A | B | here |
|---|---|---|---|
| VRRP advertisement | 1 s | 1 s | 1 s |
| priorities | 150, the second not stated | 100 and 90 | 100 and 90 |
| a higher one preempts | yes | yes (default) | yes |
| keepalived's script | lowers the priority | each 2 s, `killall -0`, weight -20 | each 2 s, weight -20 |
| HAProxy's checks | inter 2s fastinter 1s | inter 3s fall 3 rise 2 | inter 2s fastinter 1s |
| HAProxy's time-outs: connect, client, server | 2, 30, 30 s | 5, 50, 50 s | 2, 30, 30 s |
| BGP timers | not stated | not stated | BIRD's: hold 240 s, keepalive 80 s, no BFD |

With an upstream that asks for less than 240 s the smaller one counts: Cisco's default is 180 s, Juniper's 90 s. All of
them are beyond the time for which a lost site is watched here.
"""

from __future__ import annotations

from _peers.edit import Edit, Peer
from _peers.parts import (
    KEEPALIVED,
    asking,
    checks,
    hold_time,
    timeouts,
    track_script,
    vrrp,
    without_across,
    without_bfd,
)

SOURCES = Peer(
    "sources",
    "what two published guides state: VRRP 1 s and a script each 2 s, BIRD's default hold 240 s without BFD",
    (
        *vrrp(1, (100, 90), "both guides; priorities: B"),
        Edit("proxy", KEEPALIVED, r"    nopreempt\n", "", "A says so, in B it is the default"),
        *track_script(-20, "B"),
        *without_bfd(),
        *hold_time(240, 80, "BIRD's defaults (User's Guide 2.0, 6.3): hold time 240 s, keepalive a third of it"),
        *without_across(),
        *checks("check inter 2s fastinter 1s", "A; fall 3 and rise 2 are B's and HAProxy's defaults"),
        *timeouts("2s", "30s", "30s", "A"),
    ),
    asking(interval=2, fall=1),  # B; fall 1 and rise 1 are keepalived's defaults
)  # fmt: skip
