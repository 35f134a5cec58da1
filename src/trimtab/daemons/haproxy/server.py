"""What stands on HAProxy's servers wherever there are some. Source: HAProxy 2.6 Configuration Manual, section 5.2."""

from __future__ import annotations

from trimtab.daemons.template import milliseconds
from trimtab.estate.pool import Check, Pool

# What a member's kernel has not acknowledged for so long was sent to a dead host: the request is repeated elsewhere
# before its client gives up (section 5.2, tcp-ut). One retransmission fits in: Linux sends it after 200 ms. It stands
# on each server, because 2.6 does not take it over from default-server.
# Linux counts a closed window as well (tcp(7), TCP_USER_TIMEOUT): a member that reads nothing for as long is "dead". A
# request without a body never fills a window; bodies and tunnels go over other connections, which have `unacked`.
UNACKED_MS = 300


def purge(pool: Pool) -> str:
    """pool-purge-delay: in each such time half of the connections that were not needed are closed, and what counts as needed
    falls to half: an eighth of `idle`. It is no clock of each connection, and 2.6 now and then leaves one for its member to
    close. HAProxy notices that at once; what is spared is the request that crosses it.
    """
    return milliseconds(pool.idle / 8)


def quote(value: str) -> str:
    """A word that HAProxy takes literally (section 2.2: strong quoting)."""
    return "'" + value.replace("'", "'\\''") + "'"


def check_options(check: Check) -> str:
    """Two failed connections of real traffic take a member out at once; its own checks bring it back."""
    return (
        f"check inter {milliseconds(check.every)} fastinter {milliseconds(check.fast)} "
        f"fall {check.fall} rise {check.rise} observe layer4 error-limit 2 on-error mark-down"
    )
