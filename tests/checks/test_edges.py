"""Where a rule begins to fire and where it does not: the cases that one pair cannot show."""

from __future__ import annotations

import pytest

from tests.checks.kit import ROOT, subject
from trimtab.checks.engine import run

BASE = (ROOT / "tests/checks/base.yaml").read_text()
ROUTES = "      - {path: /api/, pool: api}\n      - {pool: web}\n"


def keys(text: str, rule: str) -> list[str]:
    return [f.key for f in run(subject(text)).findings if f.rule == rule]


def routed(*routes: str) -> str:
    assert ROUTES in BASE
    return BASE.replace(ROUTES, "".join(f"      - {{{route}}}\n" for route in routes))


@pytest.mark.parametrize(
    ("first", "second", "hidden"),
    [
        ("path: /a, pool: api", "path: /a/b, pool: web", True),
        ("path: /a/b, pool: api", "path: /a, pool: web", False),
        ("path: /, pool: api", "path: /a, pool: web", True),
        ("suffix: [.js], pool: api", "suffix: [.min.js], pool: web", True),
        ("suffix: [.js], pool: api", "suffix: [.js, .css], pool: web", False),
        ("suffix: [.js, .css], pool: api", "suffix: [.js], path: /a, pool: web", True),
        ("method: [GET, POST], pool: api", "method: [POST], pool: web", True),
        ("method: [GET], pool: api", "path: /a, pool: web", False),
        ("header: {x-a: b}, pool: api", "header: {x-a: b, x-c: d}, pool: web", True),
        ("header: {x-a: b}, pool: api", "header: {x-a: c}, pool: web", False),
        ("header: {x-a: b}, pool: api", "header: {X-A: b, x-c: d}, pool: web", True),
        ("header: {X-A: b, x-c: d}, pool: api", "header: {x-a: b}, pool: web", False),
        ("host: [www.base.example], pool: api", "path: /a, pool: web", True),
        ("path: /a, pool: api", "path: /a, host: [www.base.example], pool: web", True),
    ],
)
def test_a_route_is_hidden_by_one_that_takes_all_of_it(first: str, second: str, hidden: bool) -> None:
    found = keys(routed(first, second), "route-unreachable")
    assert found == (["services.www.routes[1]"] if hidden else [])


def test_a_route_for_somebody_elses_name_is_unreachable() -> None:
    text = routed("host: [other.base.example], pool: api", "pool: web")
    assert keys(text, "route-unreachable") == ["services.www.routes[0]"]


@pytest.mark.parametrize(
    ("refresh", "fires"), [("0s", False), ("1s", True), ("4s", True), ("5s", False), ("60s", False)]
)
def test_gratuitous_arp_from_five_seconds_on_is_no_storm(refresh: str, fires: bool) -> None:
    text = BASE.replace("preempt: false", f"preempt: false, garp_refresh: {refresh}")
    assert bool(keys(text, "garp-storm")) is fires


def test_many_vips_need_more_than_five_seconds() -> None:
    names = "".join(
        f"  s{n}: {{names: [s{n}.base.example], vip: {n}, tls: {{hsts: 1y}}, routes: [{{pool: web}}]}}\n"
        for n in range(2, 43)
    )
    text = BASE.replace("pools:\n", f"{names}pools:\n")
    assert keys(text, "garp-storm") == ["vrrp.garp_refresh"]
    assert keys(text.replace("preempt: false", "preempt: false, garp_refresh: 10s"), "garp-storm") == []


@pytest.mark.parametrize(("detection", "fires"), [("100ms x 30", True), ("100ms x 29", False)])
def test_bfd_is_slower_from_the_hold_time_on(detection: str, fires: bool) -> None:
    text = BASE + f"tiers: {{router: {{bfd: {detection}, hold: 3s}}}}\n"
    assert bool(keys(text, "bfd-slower-than-hold")) is fires


@pytest.mark.parametrize(
    ("members", "fires"), [(0, False), (1, True), (2, True), (3, False), (4, True), (5, False)]
)
def test_a_registry_is_three_or_five(members: int, fires: bool) -> None:
    text = BASE.replace("backend: 4}", f"backend: 4, registry: {members}}}", 1)
    assert bool(keys(text, "registry-quorum")) is fires


@pytest.mark.parametrize(("ttl", "fires"), [("29s", True), ("30s", False), ("5m", False)])
def test_a_ttl_of_thirty_seconds_is_long_enough(ttl: str, fires: bool) -> None:
    text = BASE.replace("edge: {", f"edge: {{steering: {{policy: distance, ttl: {ttl}}}, ")
    assert bool(keys(text, "dns-ttl-short")) is fires


@pytest.mark.parametrize(
    "value",
    [
        "https://shop:hunter2@old.example/", "https://old.example/?token=abcdef012345",
        "https://old.example/?api_key=abcdef012345",
    ],
)  # fmt: skip
def test_secrets_are_found_in_urls(value: str) -> None:
    text = routed(f'path: /old, redirect: "{value}"', "pool: web")
    assert keys(text, "inline-secret") == ["services.www.routes[0].redirect"]


@pytest.mark.parametrize(
    "command",
    [
        "put --password $PASSWORD",
        "put --token-file /run/token",
        "put -p env:PASS",
        "put https://shop.example:8443/x",
    ],
)
def test_references_variables_and_ports_are_no_secrets(command: str) -> None:
    text = BASE.replace("tls: {hsts: 1y}", f'tls: {{hsts: 1y}}\n    ledger: {{put: "{command}", get: get}}')
    assert keys(text, "inline-secret") == []


@pytest.mark.parametrize(
    ("value", "weak"),
    [
        ("hunter2", True), ("aaaaaaaaaaaaaaaa", True), ("MyPassword-2026", True), ("isp-a-2026-Zq7vK", True),
        ("v7Qm0dUe2bXf9TzK", False),
    ],
)  # fmt: skip
def test_what_makes_a_password_weak(value: str, weak: bool) -> None:
    judged = subject(BASE, secret=lambda reference: value if reference == "env:BGP_ONE_A" else None)
    found = [f for f in run(judged).findings if f.rule == "weak-password"]
    assert bool(found) is weak and all(value not in str(f) for f in found)


def test_a_standby_site_may_prepend_everywhere() -> None:
    text = BASE.replace("password: env:BGP_TWO_C", "prepend: 3, password: env:BGP_TWO_C")
    text = text.replace("password: env:BGP_TWO_D", "prepend: 3, password: env:BGP_TWO_D")
    assert keys(text, "prepend-everywhere") == []


def test_nginx_has_no_checks_to_get_wrong() -> None:
    text = BASE.replace("check: {get: /health}", "check: {every: 1s}") + "tiers: {proxy: {engine: nginx}}\n"
    assert keys(text, "check-is-tcp") == []


PAIR = (ROOT / "tests/checks/rules/promise-broken-by-chance/bad.yaml").read_text()


@pytest.mark.parametrize(
    ("promised", "rules"),
    [
        ("2s", ["promise-too-tight"]),  # one finding for one promise: the worst case alone breaks it
        ("3s", ["promise-too-tight"]),
        ("5s", ["promise-broken-by-chance"]),
        ("8s", ["promise-broken-by-chance"]),
        ("9s", []),
    ],
)
def test_a_promise_of_writes_is_broken_by_timers_by_chance_or_not(promised: str, rules: list[str]) -> None:
    found = run(subject(PAIR.replace("rto: 5s", f"rto: {promised}"))).findings
    told = [f.rule for f in found if f.rule in ("promise-too-tight", "promise-broken-by-chance")]
    assert told == rules


def test_what_a_promise_broken_by_chance_advises_is_kept() -> None:
    rule = "promise-broken-by-chance"
    (fix,) = fixes(PAIR, rule)
    promised = fix.removeprefix("promise ").partition(" or more")[0]
    assert fixes(PAIR.replace("rto: 5s", f"rto: {promised}"), rule) == []
    shorter = f"rto: {int(promised.removesuffix('ms')) - 200}ms"
    assert fixes(PAIR.replace("rto: 5s", shorter), rule) != []
    nearer = "".join(f"{{between: [{pair}], rtt: 4ms}}, " for pair in ("one, two", "one, three"))
    near = PAIR.replace("rtt: 170ms", "rtt: 4ms").replace("links: [", f"links: [{nearer}")
    assert fixes(near, rule) == []


def test_a_promise_is_judged_against_every_fault() -> None:
    assert keys(BASE + "objectives: {rto: 10ms}\n", "promise-too-tight") == ["objectives.rto"]
    assert keys(BASE + "objectives: {rto: 10s}\n", "promise-too-tight") == []
    own = BASE.replace("tls: {hsts: 1y}", "tls: {hsts: 1y}\n    objectives: {rto: 10ms}")
    assert keys(own, "promise-too-tight") == ["services.www.objectives.rto"]


def test_an_estate_that_serves_nothing_is_one_error() -> None:
    nobody = BASE.replace("proxy: 2,", "proxy: 0..4,")
    assert keys(nobody, "nobody-serves") == ["sites"] and keys(nobody, "members-without-proxy") == []
    assert keys(BASE.replace("proxy: 2,", "proxy: 0..4,", 1), "nobody-serves") == []


@pytest.mark.parametrize(
    ("routes", "found"),
    [
        (("host: [www.base.example], pool: web", "redirect: 'https://www.base.example/'"), []),
        (("path: /old/new, pool: web", "path: /old/, redirect: 'https://www.base.example/old/new'"), []),
        (("path: /old/, redirect: 'https://www.base.example/old/new'", "pool: web"), [0]),
        (("redirect: 'http://www.base.example/a'",), [0]),
        (("path: /a, redirect: 'http://www.base.example/b'", "pool: web"), []),
        (
            ("path: /a, redirect: 'https://www.base.example/b'", "path: /b, redirect: 'http://www.base.example/a'", "pool: web"),
            [0],
        ),
        # the first only leads into the circle of the second
        (("path: /a, redirect: 'https://www.base.example/b'", "path: /b, redirect: 'https://www.base.example/b'", "pool: web"), [1]),
        (("path: /a, redirect: 'https://www.base.example:8443/a'", "pool: web"), []),
        (("path: /a, redirect: 'https://www.base.example:99999/a'", "pool: web"), []),
        (("path: /a, method: [POST], redirect: 'https://www.base.example/a'", "pool: web"), []),
        (("header: {x-a: b}, pool: web", "redirect: 'https://www.base.example/'"), [1]),
    ],
)  # fmt: skip
def test_a_redirect_is_followed_until_somebody_answers(routes: tuple[str, ...], found: list[int]) -> None:
    assert keys(routed(*routes), "redirect-loops") == [f"services.www.routes[{i}].redirect" for i in found]


def test_two_services_that_redirect_to_each_other_are_one_circle() -> None:
    text = routed("redirect: 'https://api.base.example/'").replace(
        "pools:\n",
        "  api:\n    names: [api.base.example]\n    tls: {hsts: 1y}\n"
        "    routes: [{redirect: 'https://www.base.example/'}]\npools:\n",
    )
    assert keys(text, "redirect-loops") == ["services.www.routes[0].redirect"]


WEIGHTED = BASE.replace("edge: {", "edge: {steering: {policy: weight, weights: {one: 9, two: 1}}, ")
SECOND = "  second: {names: [second.base.example], address: site, tls: {hsts: 1y}, routes: [{pool: web}]}\npools:\n"


def test_weights_of_the_edge_are_for_services_that_have_an_address_a_site() -> None:
    anycast = WEIGHTED.replace("tls: {hsts: 1y}", "address: anycast\n    tls: {hsts: 1y}", 1)
    assert keys(anycast, "weights-on-anycast") == ["edge.steering.weights"]
    assert keys(anycast.replace("pools:\n", SECOND, 1), "weights-on-anycast") == []


@pytest.mark.parametrize(
    "command",
    [
        "put -p hunter2hunter2",
        "curl -u admin:hunter2hunter2 https://shop.example/",
        "curl --user admin:hunter2 https://shop.example/",
        "put --password='two words'",
        "put password: correcthorse",
    ],
)  # fmt: skip
def test_secrets_are_found_in_commands(command: str) -> None:
    text = BASE.replace("tls: {hsts: 1y}", f'tls: {{hsts: 1y}}\n    ledger: {{put: "{command}", get: get}}')
    assert keys(text, "inline-secret") == ["services.www.ledger.put"]


@pytest.mark.parametrize(
    "command", ["put -p 8080", "put -p 127.0.0.1:8080:80", "put -p /run/shop2/socket1", "put -u 1000:1000"]
)
def test_ports_paths_and_numbers_of_users_are_no_secrets(command: str) -> None:
    text = BASE.replace("tls: {hsts: 1y}", f'tls: {{hsts: 1y}}\n    ledger: {{put: "{command}", get: get}}')
    assert keys(text, "inline-secret") == []


def test_a_reason_is_prose() -> None:
    assert (
        keys(BASE + 'accept: [{rule: fall-one, reason: "no secret: everybody knows it"}]\n', "inline-secret")
        == []
    )
    assert keys(BASE + 'accept: [{rule: fall-one, reason: "password: hunter2hunter2"}]\n', "inline-secret")


def test_a_short_name_is_in_most_passwords_by_chance() -> None:
    text = BASE.replace("isp-a:", "a:")
    judged = subject(
        text, secret=lambda reference: "v7Qm0daUe2bXf9TzK" if reference == "env:BGP_ONE_A" else None
    )
    assert not [f for f in run(judged).findings if f.rule == "weak-password"]


@pytest.mark.parametrize(
    ("kernel", "rule", "key"),
    [
        ("net.core.somaxconn: 128", "somaxconn-small", "kernel.sysctl.net.core.somaxconn"),
        ("net.netfilter.nf_conntrack_max: 2000", "conntrack-small", "kernel.sysctl.net.netfilter.nf_conntrack_max"),
    ],
)  # fmt: skip
def test_a_setting_that_wins_is_the_one_that_is_judged(kernel: str, rule: str, key: str) -> None:
    name = kernel.split(":")[0]
    own = {"somaxconn-small": "somaxconn: 128", "conntrack-small": "conntrack: 2000"}[rule]
    assert keys(BASE + f"kernel: {{sysctl: {{{kernel}}}}}\n", rule) == [key]
    assert keys(BASE + f"kernel: {{{own}, sysctl: {{{name}: 2000000}}}}\n", rule) == []


@pytest.mark.parametrize(("availability", "fires"), [("99.9999%", True), ("99.96%", True), ("99.9%", False)])
def test_an_availability_may_leave_less_than_a_repair_takes(availability: str, fires: bool) -> None:
    one = BASE[: BASE.index("  two:\n")] + BASE[BASE.index("edge:") :]
    text = one + f"objectives: {{availability: {availability}}}\n"
    assert keys(text, "promise-until-repair") == (["objectives.availability"] if fires else [])


@pytest.mark.parametrize("rule", ["check-timeout-long", "fast-not-fast"])
def test_nginx_has_no_check_intervals(rule: str) -> None:
    text = BASE.replace("get: /health}", "get: /health, every: 1s, fast: 5s, timeout: 3s}")
    assert keys(text, rule) and keys(text + "tiers: {proxy: {engine: nginx}}\n", rule) == []


def members(*entries: str) -> str:
    listed = ", ".join(f"{{address: 192.0.2.{n}, port: 80{entry}}}" for n, entry in enumerate(entries, 1))
    return BASE.replace("web: {hosts: backend, port: 8080,", f"web: {{members: [{listed}],")


@pytest.mark.parametrize(
    ("entries", "engine", "fires"),
    [
        ((", backup: true", ", backup: true"), "haproxy", False),
        ((", backup: true", ", backup: true"), "nginx", True),
        ((", weight: 0", ", backup: true"), "haproxy", False),
        ((", weight: 0", ", weight: 0, backup: true"), "haproxy", True),
    ],
)
def test_backups_serve_where_the_proxy_lets_them(entries: tuple[str, ...], engine: str, fires: bool) -> None:
    text = members(*entries) + f"tiers: {{proxy: {{engine: {engine}}}}}\n"
    assert bool(keys(text, "all-weights-zero")) is fires


def test_a_backup_without_weight_takes_nothing_over() -> None:
    """HAProxy 2.6 answers 503 beside such a backup that is up (tried)."""
    assert keys(members("", ", weight: 0, backup: true"), "one-member") == ["pools.web.members"]
    assert keys(members("", ", weight: 1, backup: true"), "one-member") == []


ACROSS = BASE.replace("web: {hosts: backend,", "web: {hosts: backend, across: nearest,")


@pytest.mark.parametrize(
    ("hosts", "rule", "alone"),
    [
        ("proxy: 2, backend: 1", "one-member", ["sites.one.hosts.backend", "sites.one.hosts.backend"]),
        ("proxy: 2", "pool-empty-at-site", ["sites.one.hosts", "sites.one.hosts"]),
    ],
)
def test_a_pool_that_another_site_serves_is_not_lost_at_its_own(
    hosts: str, rule: str, alone: list[str]
) -> None:
    def at_one(text: str) -> str:
        assert "proxy: 2, backend: 4" in text
        return text.replace("proxy: 2, backend: 4", hosts, 1)

    assert keys(at_one(BASE), rule) == alone
    assert keys(at_one(ACROSS), rule) == alone[:1], "api has no `across`"


def test_a_site_without_proxies_answers_nobody() -> None:
    assert keys(ACROSS, "across-with-nobody") == []
    text = ACROSS.replace("proxy: 2, backend: 4", "backend: 4", 1)
    assert keys(text, "across-with-nobody") == ["pools.web.across"]


def test_asking_the_other_sites_counts_among_the_checks() -> None:
    def afar(number: int) -> str:
        return (
            f"  s{number}: {{id: {number}, at: [{number}, 0], asn: {65000 + number}, hosts: {{router: 1, proxy: 40, backend: 2}}, "
            f"upstreams: {{u: {{asn: 64600, peer: [198.51.100.{8 * number + 1}]}}}}}}\n"
        )

    text = ACROSS.replace("edge: ", "".join(map(afar, range(5, 9))) + "edge: ", 1)
    assert "check-storm" in {f.rule for f in run(subject(text)).findings}
    assert keys(text.replace("across: nearest, ", ""), "check-storm") == []


def test_checks_of_a_far_site_are_fewer_because_each_waits_for_the_one_before() -> None:
    """120 proxies each 200 ms and three round trips later: 5 ms make it a storm, 300 ms do not."""
    far = ACROSS.replace("proxy: 2, backend: 4", "proxy: 120, backend: 4")
    storm = far + "links: [{between: [one, two], rtt: 5ms}]\n"
    assert keys(storm, "check-storm") == ["pools.web.check"]
    assert keys(far + "links: [{between: [one, two], rtt: 300ms}]\n", "check-storm") == []


def test_routes_of_all_names_together_take_the_rest() -> None:
    text = BASE.replace("[www.base.example]", "[www.base.example, base.example]")
    both = "      - {host: [www.base.example], pool: api}\n      - {host: [base.example], pool: web}\n"
    assert keys(text.replace(ROUTES, both), "no-catch-all") == []
    assert keys(text.replace(ROUTES, both.splitlines(True)[0]), "no-catch-all") == ["services.www.routes"]


def fixes(text: str, rule: str) -> list[str]:
    return [f.fix for f in run(subject(text)).findings if f.rule == rule]


@pytest.mark.parametrize(
    ("connect", "rto", "fix"),
    [
        ("2s", "5s", "lower `connect` to 150ms, or lower `retries`"),
        ("2s", "500ms", "lower `connect` to 150ms and `retries` to 2"),
        ("150ms", "500ms", "lower `retries` to 2"),
        ("150ms", "100ms", "promise at least 150ms: one attempt alone takes that long"),
    ],
)
def test_advice_on_retries_can_be_followed(connect: str, rto: str, fix: str) -> None:
    text = BASE + f"objectives: {{rto: {rto}}}\ntiers: {{proxy: {{timeouts: {{connect: {connect}}}}}}}\n"
    assert fixes(text, "retries-over-rto") == [fix]


def test_advice_on_maxconn_stays_within_what_the_key_takes() -> None:
    files = BASE + "kernel: {sysctl: {fs.nr_open: 10}}\n"
    assert fixes(files, "maxconn-over-files") == ["set `fs.nr_open` to 58592 or more in `kernel.sysctl`"]
    small = BASE + "hardware: {lb: {cores: 1, memory: 1MB, nic: 1Gbps}}\ngroups: {proxy: {hardware: lb}}\n"
    assert fixes(small, "maxconn-over-memory") == ["take more memory"]
    many = BASE + "objectives: {peak: {requests: 20M/s}}\n"
    assert fixes(many, "n-1-connections") == ["add sites, or promise less"]


def test_advice_on_a_promise_names_a_key_or_none() -> None:
    slow = BASE.replace("preempt: false", "preempt: false, advert: 1s") + "objectives: {rto: 10ms}\n"
    assert fixes(slow, "promise-too-tight") == ["shorten `vrrp.advert`, or promise what the timers give"]
    single = BASE.replace("backend: 4}", "backend: 1}") + "objectives: {rto: 500ms}\n"
    told = [f for f in run(subject(single)).findings if f.rule == "promise-too-tight"]
    promised = told[0].fix.removeprefix("promise ").removesuffix(" or more")
    assert fixes(single.replace("500ms", promised), "promise-too-tight") == []
    assert told and "RestartSec" in told[0].why and told[0].fix.startswith("promise ")


@pytest.mark.parametrize(
    ("tier", "fires"),
    [("engine: nginx", True), ("engine: nginx, upstream_keepalive: 0", False), ("engine: haproxy", False)],
)
def test_only_nginx_keeps_connections_to_dead_hosts(tier: str, fires: bool) -> None:
    assert bool(keys(BASE + f"tiers: {{proxy: {{{tier}}}}}\n", "keepalive-to-dead-host")) is fires


@pytest.mark.parametrize(
    ("pools", "who"),
    [(0, "a request on one"), (1, "a request on one"), (2, "what is not asked again (a POST) on one")],
)
def test_where_every_pool_answers_it_is_posts_that_wait_there(pools: int, who: str) -> None:
    """`answer` has another member asked, of reads alone."""
    text = (
        BASE.replace(", check: {get: /", ", answer: 1s, check: {get: /", pools)
        + "tiers: {proxy: {engine: nginx}}\n"
    )
    (told,) = (f for f in run(subject(text)).findings if f.rule == "keepalive-to-dead-host")
    assert who in told.why
