"""The store: what an election costs, and who goes on where a quorum is missing.

Sources: Ongaro, "Consensus: Bridging Theory and Practice" (2014), 3.4 and 9.6; etcd 3.4 "Tuning"; etcd's raft package
counts its time-outs in heartbeats and draws each between one and two election time-outs.
"""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.daemons.etcd.config import election_ms, link_rtt
from trimtab.estate.inventory import Host, Inventory
from trimtab.timing.contest import Contest
from trimtab.timing.interval import FOR_EVER, NOTHING, Interval
from trimtab.timing.layout import first_store, quorum, round_trips
from trimtab.timing.parts import Group, Part, Term, one_of

RAFT = "Ongaro 2014, 3.4; etcd 3.4, Tuning"
KEPT_LEADER = Term("etcd", "the leader was elsewhere: no election", NOTHING, RAFT, "detection")
NO_QUORUM = Term(
    "repair",
    "too few members are left to agree on a write",
    FOR_EVER,
    "Ongaro 2014, 3.6: a majority",
    "repair",
)
# Some thousand small entries over a path that is not full.
TRANSFER_S = 0.1


# Inside a site: a packet, and the disk that has to have a vote before it is given.
LEAST_WAY_S = 0.001


def election(inventory: Inventory, *, one_host: bool = False) -> Part:
    """A follower stands, asks twice (pre-vote, vote) and writes its first entry.

    A split vote costs another round and is not in its interval: the contests say how often it comes, for the loss of any
    site, or of any one host.
    """
    members = first_store(inventory)
    heartbeat, timeout, _ = election_ms(inventory, members)
    shortest, longest = round_trips(inventory, members)
    ticks = timeout // heartbeat
    stands = Term(
        "etcd",
        f"the first follower's time-out of {timeout} to {2 * timeout} ms ends",
        Interval((ticks - 2) * heartbeat / 1000, (2 * ticks - 1) * heartbeat / 1000 + longest / 2),
        RAFT,
        "detection",
    )
    votes = Term(
        "etcd",
        "pre-vote and vote: two round trips to a majority",
        Interval(2 * shortest, 2 * longest),
        "Ongaro 2014, 9.6",
    )
    contests = tuple(dict.fromkeys(_contests(inventory, one_host=one_host)))
    return Group(
        "sum", (stands, votes, first_write(inventory)), "an election, without a split vote", contests
    )


def _contests(inventory: Inventory, *, one_host: bool) -> Iterator[Contest]:
    """One for each loss of a leader after which enough members are left."""
    members = first_store(inventory)
    heartbeat, timeout, _ = election_ms(inventory, members)
    for leader in members:
        left = [m for m in members if m != leader and (one_host or m.site != leader.site)]
        if len(left) >= quorum(members):
            yield Contest(
                heartbeat / 1000,
                timeout // heartbeat,
                quorum(members),
                tuple(_way(inventory, leader, m) for m in left),
                tuple(tuple(0.0 if a == b else _way(inventory, a, b) for b in left) for a in left),
            )


def _way(inventory: Inventory, a: Host, b: Host) -> float:
    return max(LEAST_WAY_S, link_rtt(inventory, a.site, b.site) / 2 if a.site != b.site else 0.0)


def first_write(inventory: Inventory) -> Term:
    """A write reaches the new leader and is stored by a majority."""
    _, longest = round_trips(inventory, first_store(inventory))
    return Term(
        "etcd",
        "the first write reaches the leader and a majority",
        Interval(0.0, 2 * longest),
        "Ongaro 2014, 3.5",
    )


def catch_up(inventory: Inventory) -> Term:
    """The new leader asks the lagging member where their logs part, then sends what it lacks."""
    shortest, longest = round_trips(inventory, first_store(inventory))
    return Term(
        "etcd",
        "the lagging member gets what it missed before it can confirm anything new",
        Interval(shortest, 3 * longest + TRANSFER_S),
        "Ongaro 2014, 3.5; a lag of some seconds, not of a snapshot",
    )


def after_loss(inventory: Inventory, lost: int) -> Part:
    """What writes wait for when `lost` members are gone, the leader perhaps among them."""
    members = first_store(inventory)
    if not members or not lost:
        return KEPT_LEADER
    if len(members) - lost < quorum(members):
        return NO_QUORUM
    return one_of(KEPT_LEADER, election(inventory))
