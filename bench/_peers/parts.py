"""The edits that peers have in common, given their values. Each comes with its reason.

What stays as it is, in both peers: the anchors that hold up the prefixes, and with them `front-watch`, which no
longer has a say in VRRP; gratuitous ARP; VRRP's version (IPv6 needs 3; the dead time is computed as in 2); by which
timers BGP sessions come up (no figure ends with one); the units, which start a killed proxy again after 2 s.
"""

from __future__ import annotations

from _peers.edit import Edit
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.unit import unit

BIRD = "/etc/bird/bird.conf"
KEEPALIVED = "/etc/keepalived/keepalived.conf"
HAPROXY, POOLS = "/etc/haproxy/haproxy.cfg", "/etc/haproxy/pools.cfg"
# A session of an upstream network of the twin with one of the sites (not with its clients), up to what is edited.
CUSTOMER = r"(protocol bgp to_(?!region_)\w+ \{\n(?:\t.*\n)*?"
FOUND = "/run/trimtab/front/asked"
ASKS = "/usr/local/lib/trimtab/ask-haproxy"
# pgrep asks what `killall -0 haproxy` asks, and procps is everywhere.
ASK = """#!/bin/sh
# 1 in the file while HAProxy is gone, otherwise 0.
failed=0 now=0 was=
mkdir -p /run/trimtab/front
while :; do
    if pgrep -x haproxy > /dev/null; then failed=0 now=0; else failed=$((failed + 1)); fi
    [ $failed -lt {fall} ] || now=1
    [ "$now" = "$was" ] || echo $now > {found}
    was=$now
    sleep {interval}
done
"""
TIMERS = r"\thold time )\d+;\n(\tkeepalive time )\d+;"


def without_bfd() -> tuple[Edit, ...]:
    """A lost neighbour is found by the hold timer alone."""
    why = "no BFD: on the routers, the proxies and the upstreams' side of the same sessions"
    own = r"\tbfd on;\n"
    return (
        Edit("router", BIRD, own, "", why),
        Edit("proxy", BIRD, own, "", why),
        Edit("transit", BIRD, CUSTOMER + r")\tbfd on;\n", r"\1", why),
    )


def hold_time(hold: int, keepalive: int, why: str) -> tuple[Edit, ...]:
    """Seconds, on both sides: BGP takes the smaller of the two (RFC 4271, 4.2)."""
    new = rf"\g<1>{hold};\n\g<2>{keepalive};"
    return (
        Edit("router", BIRD, f"({TIMERS}", new, why),
        Edit("proxy", BIRD, f"({TIMERS}", new, why),
        Edit("transit", BIRD, CUSTOMER + TIMERS, new, why),
    )


def vrrp(advert: int, priorities: tuple[int, int], why: str) -> tuple[Edit, ...]:
    """advert: seconds.  priorities: of the first and the second proxy of a site."""
    first, second = priorities
    return (
        Edit("proxy", KEEPALIVED, r"(?m)^(    advert_int )0\.1$", rf"\g<1>{advert}", why),
        Edit("proxy", KEEPALIVED, r"(?m)^(    priority )254$", rf"\g<1>{first}", why, everywhere=False),
        Edit("proxy", KEEPALIVED, r"(?m)^(    priority )253$", rf"\g<1>{second}", why, everywhere=False),
    )


def track_script(weight: int, why: str) -> tuple[Edit, ...]:
    """keepalived follows what the script of `asking` found, and nothing else. weight: added to the priority while
    HAProxy is gone; with 0 the instance gives up.
    """
    block = rf'track_file haproxy_runs {{\n    file "{FOUND}"\n    weight {weight}\n    init_file 0\n}}\n'
    tracked = r"    track_file {\n        haproxy_runs\n    }\n"
    return (
        Edit("proxy", KEEPALIVED, r"track_file \w+ \{\n(?:    .*\n)+\}\n\n(?=track_file)", "", why),
        Edit("proxy", KEEPALIVED, r"(?m)^track_file \w+ \{\n(?:    .*\n)+\}\n", block, why),
        Edit("proxy", KEEPALIVED, r"(?m)^    track_file \{\n(?:        \w+\n)+    \}\n", tracked, why),
    )


def asking(interval: int, fall: int) -> tuple[Artifact, ...]:
    """The script that keepalived would run each `interval` seconds; `fall` failures in a row count, one success does.

    It is a unit beside keepalived, because keepalived cannot run scripts in a twin: it wants to set its groups first,
    a user namespace denies that, and then it takes every script for a success.
    """
    text = ASK.format(found=FOUND, interval=interval, fall=fall)
    run = unit(
        "ask-haproxy.service",
        "haproxy.service",
        ["Type=exec", f"ExecStart=/bin/sh {ASKS}"],
        "Does HAProxy run?",
    )
    return (Artifact(ASKS, text, mode=0o755, validator="sh"), run)


def without_across() -> tuple[Edit, ...]:
    """A site asks no other one: the rule that chooses it, the door for the others' proxies, and the backends of theirs."""
    why = "no way to another site's members: an administrator has one site's proxies and backends in a file"
    rule = r"    # before that the nearest site where the pool is well\n    http-request set-var\(txn\.panic\) str\(--across\).*\n"
    return (
        Edit("proxy", HAPROXY, rule, "", why),
        Edit("proxy", HAPROXY, r"    http-request del-header X-Trimtab-Pool\n(?!    #)", "", why),
        Edit("proxy", HAPROXY, r"    # a certificate .*\n    ssl-load-extra-del-ext\n", "", why),
        Edit(
            "proxy",
            HAPROXY,
            r"(?s)\n# Other sites' proxies ask here .*?(?=\n# Requests that change something|\Z)",
            "",
            why,
        ),
    )


def checks(words: str, why: str) -> tuple[Edit, ...]:
    """How HAProxy finds a lost member; what `words` do not say is at HAProxy's default (2.6, section 5.2)."""
    default = "at HAProxy's default, see its manual (2.6): "
    return (
        Edit("proxy", POOLS, r"(?m)^(    default-server )check .*$", rf"\g<1>{words}", why),
        Edit("proxy", POOLS, r" tcp-ut \S+", "", default + "5.2, tcp-ut: the kernel's own time-out"),
        Edit("proxy", HAPROXY, r"    option redispatch 1\n", "", default + "4.2, redispatch: off"),
        Edit("proxy", POOLS, r"    timeout check \S+\n", "", default + "4.2, timeout check: inter"),
        Edit(
            "proxy", POOLS,
            r"    retries \d+\n    retry-on .*\n    http-request disable-l7-retry .*\n", "",
            default + "4.2, retries: 3, of connections only",
        ),
    )  # fmt: skip


def timeouts(connect: str, client: str, server: str, why: str) -> tuple[Edit, ...]:
    return tuple(
        Edit("proxy", HAPROXY, rf"(?m)^(    timeout {name} ).*$", rf"\g<1>{value}", why)
        for name, value in (("connect", connect), ("client", client), ("server", server))
    )
