"""What holds in every world, not only in those that somebody has thought of."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.arbiter.arbiter_kit import NOW

from trimtab.ops.arbiter.decide import RULES, decide
from trimtab.ops.arbiter.world import Freeze, Grant, Limits, Permit, PoolState, Request, SiteState, World

NAMES = ["hk", "sg", "ny", "ld", "sp"]
HOSTS, POOLS, MEMBERS = ["p1", "p2", "p3"], ["api", "web"], ["b1", "b2", "b3", "b4"]
TARGETS = [*NAMES, *HOSTS, *(f"{p}/{m}" for p in POOLS for m in MEMBERS), "", "xx", "api/", "/b1"]
KINDS = st.sampled_from(["drain-site", "drain-proxy", "drain-member"])
TIMES = st.floats(NOW - 7200, NOW + 60)
CAPACITIES = st.none() | st.floats(0, 1e6)

SITES = st.builds(
    SiteState,
    st.just(""),
    st.sampled_from(["serving", "serving", "unhealthy", "unreachable", "unknown"]),
    st.sampled_from(["serve", "serve", "prefer", "withdraw"]),
    CAPACITIES,
    st.dictionaries(st.sampled_from(HOSTS), st.sampled_from([True, False, None])),
    st.integers(0, 3),
    st.integers(0, 3),
)
POOL_STATES = st.builds(
    PoolState,
    st.sampled_from(NAMES),
    st.sampled_from(POOLS),
    st.dictionaries(st.sampled_from(MEMBERS), st.booleans()),
)
PERMITS = st.builds(
    Permit, st.just("p"), KINDS, st.sampled_from(NAMES), st.sampled_from(TARGETS), st.just("ann"), st.just(""), TIMES,
    st.just(60.0),
)  # fmt: skip
GRANTS = st.builds(Grant, TIMES, KINDS, st.sampled_from(NAMES), st.sampled_from(TARGETS))
LIMITS = st.builds(
    Limits, st.integers(0, 4), st.floats(0, 100), st.integers(0, 5), st.floats(0, 7200), CAPACITIES
)
REQUESTS = st.builds(
    Request,
    KINDS,
    st.sampled_from([*NAMES, "xx", ""]),
    st.sampled_from(TARGETS),
    st.just("bob"),
    st.just(""),
    st.booleans(),
    st.booleans(),
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=5))
    sites = {name: replace(draw(SITES), name=name) for name in names}
    return World(
        sites,
        tuple(draw(st.lists(POOL_STATES, max_size=4))),
        tuple(draw(st.lists(PERMITS, max_size=2))),
        tuple(draw(st.lists(GRANTS, max_size=6))),
        draw(st.none() | st.just(Freeze("ann", "", NOW))),
        draw(LIMITS),
    )


def serves(site: SiteState) -> bool:
    """Said once more, in other words than the arbiter's."""
    return (site.state, site.step) == ("serving", "serve")


@given(worlds(), REQUESTS)
@settings(deadline=None)
def test_what_is_granted_leaves_somebody(world: World, request: Request) -> None:
    if not decide(world, request, NOW).granted:
        return
    site = world.sites[request.site]
    if request.kind == "drain-site":
        left = [other for other in world.sites.values() if other.name != request.site and serves(other)]
        assert left
        if not request.force and serves(site):
            assert len(left) >= world.limits.sites
    elif request.kind == "drain-proxy":
        others = [works for name, works in site.proxies.items() if name != request.target]
        assert True in others or site.proxies[request.target] is False
    else:
        name, _, member = request.target.partition("/")
        found = next(p for p in world.pools if (p.site, p.name) == (request.site, name))
        assert any(well for other, well in found.members.items() if other != member)


@given(worlds(), REQUESTS)
@settings(deadline=None)
def test_an_agent_takes_no_second_site_and_forces_nothing(world: World, request: Request) -> None:
    answer = decide(world, replace(request, automatic=True), NOW)
    assert answer == decide(world, replace(request, automatic=True, force=not request.force), NOW)
    if answer.granted:
        assert not answer.objections
        if request.kind == "drain-site":
            assert all(serves(site) for site in world.sites.values() if site.name != request.site)


@given(worlds(), REQUESTS)
@settings(deadline=None)
def test_what_is_unknown_is_no_better_than_what_is_dead(world: World, request: Request) -> None:
    """Whatever is granted while others are unknown would be granted if they were known to be dead."""
    dead = {
        name: replace(
            site,
            state="unreachable" if site.state == "unknown" and name != request.site else site.state,
            proxies={
                h: w if w is not None or h == request.target else False for h, w in site.proxies.items()
            },
        )
        for name, site in world.sites.items()
    }
    ours, theirs = decide(world, request, NOW), decide(replace(world, sites=dead), request, NOW)
    assert ours.granted == theirs.granted
    assert [o.rule for o in ours.objections] == [o.rule for o in theirs.objections]


@given(worlds(), REQUESTS)
@settings(deadline=None)
def test_an_answer_is_in_the_tables_order_and_says_why(world: World, request: Request) -> None:
    answer = decide(world, request, NOW)
    names = [rule.name for rule in RULES]
    order = [names.index(each.rule) for each in answer.objections]
    assert order == sorted(set(order))
    assert answer.granted == (not answer.standing)
    assert all(each.text and each.hint and each.text.isprintable() for each in answer.objections)


@given(worlds(), REQUESTS)
@settings(deadline=None)
def test_force_only_ever_grants_more(world: World, request: Request) -> None:
    without = decide(world, replace(request, force=False), NOW)
    forced = decide(world, replace(request, force=True), NOW)
    assert forced.granted or not without.granted
    assert [o.text for o in forced.objections] == [o.text for o in without.objections]


def test_a_thousand_sites_of_ten_pools_are_judged() -> None:
    sites = {
        f"s{i}": SiteState(f"s{i}", "serving", "serve", 1000.0, {"p1": True, "p2": True}) for i in range(1000)
    }
    pools = tuple(
        PoolState(name, f"pool{i}", {f"b{k}": True for k in range(4)}) for name in sites for i in range(10)
    )
    world = World(sites, pools, limits=Limits(load=900_000.0))
    last = "s999"
    for request in (
        Request("drain-site", last, last, "bob"),
        Request("drain-proxy", last, "p1", "bob"),
        Request("drain-member", last, "pool9/b1", "bob"),
    ):
        assert decide(world, request, NOW).granted
    assert not decide(world, Request("drain-member", last, "pool9/b9", "bob"), NOW).granted
