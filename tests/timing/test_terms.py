"""The terms of each layer, by hand."""

from __future__ import annotations

import pytest

from tests.timing.make import example, two_sites
from trimtab.estate.inventory import Inventory
from trimtab.timing import bgp, checks, dns, etcd, front, vrrp
from trimtab.timing.faults import predict
from trimtab.timing.interval import UNTIL_REPAIR, Interval
from trimtab.timing.models.backend import pool_loss as pool_loss_of
from trimtab.timing.parts import Part


def ends(part: Part) -> tuple[float, float]:
    return pytest.approx(part.time.low, abs=0.0005), pytest.approx(part.time.high, abs=0.0005)  # type: ignore[return-value]


def test_bfd_and_hold() -> None:
    assert ends(bgp.bfd(two_sites())) == (0.2, 0.3)
    assert ends(bgp.bfd(two_sites(bfd="50ms"))) == (0.1, 0.15)
    assert ends(bgp.hold(two_sites())) == (6.0, 9.0)
    # keepalives are whole seconds: a hold of 10 s has one each 3 s
    assert ends(bgp.hold(two_sites(hold="10s"))) == (7.0, 10.0)


def test_the_hold_timer_counts_where_it_ends_before_bfd_does() -> None:
    slow = two_sites(bfd="1500ms", hold="3s")
    assert ends(bgp.bfd(slow)) == (3.0, 4.5)
    assert ends(bgp.silence(slow)) == (2.0, 3.0)
    assert ends(bgp.all_upstreams(slow, "twin")) == (2.0, 3.0)
    assert predict(slow, "transit-loss")["outage_s"][1] == pytest.approx(3.06, abs=0.01)
    assert predict(slow, "both-proxies-dead")["outage_s"][1] == pytest.approx(3.12, abs=0.01)
    # they overlap: BFD in 2-3 s, the hold timer in 2-3 s
    assert ends(bgp.silence(two_sites(bfd="1s", hold="3s"))) == (2.0, 3.0)
    # where BFD always comes first, nothing else is told
    assert bgp.silence(two_sites()) == bgp.bfd(two_sites())


def test_the_slowest_upstream_decides_and_the_internets_may_not_speak_bfd() -> None:
    assert ends(bgp.all_upstreams(two_sites(), "twin")) == (0.2, 0.3)
    assert ends(bgp.all_upstreams(two_sites(), "internet")) == (0.2, 9.0)
    assert ends(bgp.all_upstreams(two_sites(upstream_bfd="false"), "twin")) == (
        0.2,
        9.0,
    )  # of one of the two sites


@pytest.mark.parametrize(
    ("advert", "priorities", "preempt", "down", "released"),
    [
        # three adverts and (256 - 253)/256 of one
        ("100ms", "254, 253", "true", (0.2012, 0.3012), (0.0012, 0.0012)),
        # whoever holds the addresses, the first or the second host takes over
        ("100ms", "254, 253", "false", (0.2008, 0.3012), (0.0008, 0.0012)),
        ("1s", "150, 100", "true", (2.6094, 3.6094), (0.6094, 0.6094)),
        ("1s", "150, 100", "false", (2.4141, 3.6094), (0.4141, 0.6094)),
    ],
)
def test_vrrp(
    advert: str, priorities: str, preempt: str, down: tuple[float, float], released: tuple[float, float]
) -> None:
    inventory = two_sites(advert=advert, priorities=priorities, preempt=preempt)
    assert ends(vrrp.master_down(inventory)) == down and ends(vrrp.release(inventory)) == released


def test_the_watch_of_a_proxy_that_hangs() -> None:
    """Three questions of 0.2 s each; the first begins up to 0.2 s after the fault."""
    assert ends(front.watch()) == (0.6, 0.8)


def test_an_election_in_the_shop() -> None:
    """170 ms between sg and la: time-out 1100 ms, ticks of 55; 35 ms between hk and sg.

    Low: 18 ticks and two round trips of 35. High: 39 ticks, half of 170, and four round trips of 170.
    """
    assert ends(etcd.election(example("shop"))) == (0.99 + 0.07, 2.145 + 0.085 + 0.34 + 0.34)


def test_too_few_members_elect_nobody() -> None:
    assert etcd.after_loss(two_sites(), 2) == etcd.NO_QUORUM
    assert etcd.after_loss(two_sites(), 1).time.low == 0


WEB = "web"


def pool_time(inventory: Inventory, members: int = 2, *, dead: bool = True) -> Interval:
    build = checks.silent if dead else checks.refused
    return build(inventory, inventory.estate.pools[WEB], members).time


def test_haproxy_and_a_dead_backend() -> None:
    """Two attempts of 150 ms end before the checks: 3 x 150 + 2 x 100 ms, the first of which begins within a second."""
    pool = two_sites().estate.pools[WEB]
    assert ends(checks.checked(two_sites(), pool, 0.15)) == (0.65, 1.65)
    assert pool_time(two_sites()) == Interval(0.0, 0.25)
    # without retries, or with an attempt that outlasts the client, requests to it fail until it is out
    assert pool_time(two_sites(retries="0")) == Interval(0.15, 0.25)
    assert pool_time(two_sites(connect="2s")) == Interval(2.0, 2.1)
    # an attempt of 30 s: three checks of a second each are sooner
    assert pool_time(two_sites(connect="30s", fall="3")) == Interval(3.2, 4.2)


def test_nginx_and_a_dead_backend() -> None:
    found = pool_time(two_sites(engine="nginx"))
    assert found.low == 0 and found.high == pytest.approx(0.15 + 3 * 0.1 + 1.0)
    assert pool_time(two_sites(engine="nginx", connect="2s")) == Interval(0.0, UNTIL_REPAIR)


def test_nginx_without_idle_connections_asks_the_next_member_in_time() -> None:
    """Each request connects afresh: one that is not answered costs its client a wait and no failure."""
    assert pool_time(two_sites(engine="nginx", keepalive="0")) == Interval(0.0, 0.0)
    assert pool_time(two_sites(engine="nginx", keepalive="0", retries="0")) == Interval(0.15, 0.15 + 3 * 0.1)
    assert pool_time(two_sites(engine="nginx", keepalive="0", connect="2s")) == Interval(0.0, UNTIL_REPAIR)
    # HAProxy keeps idle connections of its own accord
    assert pool_time(two_sites(keepalive="0")) == Interval(0.0, 0.25)


def test_a_killed_backend_refuses_and_costs_nothing() -> None:
    for engine in ("haproxy", "nginx"):
        assert pool_time(two_sites(engine=engine), dead=False) == Interval(0.0, 0.0)
    assert pool_time(two_sites(), 1, dead=False) == Interval(2.0, 3.0)
    assert pool_time(two_sites(), 1).low == UNTIL_REPAIR


def test_the_last_member_is_taken_out_and_another_site_asked() -> None:
    alone = two_sites(backends="1")
    helped = two_sites(backends="1", pool="across: nearest, ")
    (before,), (pool,) = alone.estate.pools.values(), helped.estate.pools.values()
    assert checks.silent(alone, before, 1) == checks.NO_OTHER_MEMBER
    assert checks.refused(alone, before, 1) == checks.RESTARTED
    assert checks.silent(helped, pool, 1) == checks.emptied(helped, pool), "one alone is the whole pool"
    assert checks.refused(helped, pool, 1) == checks.taken_out(helped, pool, answer=0.0)
    assert checks.refused(helped, pool, 2) == checks.NEXT_MEMBER


def pool_loss(**changed: str) -> Part:
    """Reads where every backend of a site is gone."""
    inventory = two_sites(**{"pool": "across: nearest, ", **changed})
    return pool_loss_of(inventory, "twin")["outage_s"]


def test_a_pool_without_members_is_served_by_the_next_site_once_the_last_of_them_is_out() -> None:
    assert ends(pool_loss()) == (0.15, 0.25 + 0.2)
    # how many there are changes nothing: all of them are missed at the same time, and retries meet dead ones
    assert pool_loss(backends="1") == pool_loss(backends="9") == pool_loss(retries="0") == pool_loss()
    # checks end it where real traffic does not: three of a second each, the first of them within a second
    assert ends(pool_loss(connect="30s")) == (3.2, 4.2)


def test_too_far_a_site_does_not_answer_in_time() -> None:
    assert ends(pool_loss(rtt="250ms")) == (0.15, 0.25 + 0.2)
    assert pool_loss(rtt="310ms").time.low == UNTIL_REPAIR


def test_a_pool_that_asks_no_other_site_is_out_until_repair() -> None:
    assert pool_loss(pool="") == checks.NOBODY_TO_ASK
    assert predict(two_sites(), "site-pool-loss") == {}, "it is about who asks another site"


def test_dns_needs_a_resolver() -> None:
    inventory = two_sites()
    service = inventory.estate.services["www"]
    assert dns.moves(inventory, service, "twin") == dns.NO_RESOLVER
    assert dns.moves(inventory, service, "internet").time == Interval(0.0, UNTIL_REPAIR)
    assert dns.health().time == Interval(4.0, 7.0)
