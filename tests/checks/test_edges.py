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


def test_a_promise_is_judged_against_every_fault() -> None:
    assert keys(BASE + "objectives: {rto: 10ms}\n", "promise-too-tight") == ["objectives.rto"]
    assert keys(BASE + "objectives: {rto: 10s}\n", "promise-too-tight") == []
    own = BASE.replace("tls: {hsts: 1y}", "tls: {hsts: 1y}\n    objectives: {rto: 10ms}")
    assert keys(own, "promise-too-tight") == ["services.www.objectives.rto"]
