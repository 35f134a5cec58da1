"""What agents and registries did, judged with planted failures; and their probes, with replies as they come."""

from __future__ import annotations

from typing import Any

import pytest
from test_drills_conduct import judged

from trimtab.daemons.haproxy import asked as haproxy
from trimtab.daemons.nginx import asked as nginx
from trimtab.drills.faults import deploy
from trimtab.drills.faults.canary import share
from trimtab.drills.probes import healing, versions
from trimtab.errors import EnvironmentUnable

Seen = dict[str, Any]
THREE = {"api": {"10.1.80.10:8080": 100, "10.1.80.11:8080": 100, "10.1.80.12:8080": 100}}
LESS = {"api": {"10.1.80.10:8080": 100, "10.1.80.11:8080": 100}}
HEAVIER = {"api": {**THREE["api"], "10.1.80.10:8080": 117}}
TOLD = {"member": "hk-backend-1", "weights": {"api": 117}}


@pytest.mark.parametrize(
    ("wanted", "during", "after", "told", "value"),
    [
        ("stays", THREE, THREE, {}, "true"),
        ("stays", LESS, THREE, {}, "false"),
        ("stays", THREE, HEAVIER, {}, "false"),
        ("stays", None, THREE, {}, "unknown"),
        ("catch-up", THREE, HEAVIER, TOLD, "true"),
        ("catch-up", THREE, THREE, TOLD, "false"),  # what was registered meanwhile did not arrive
        ("catch-up", LESS, HEAVIER, TOLD, "false"),  # and members were lost until then
        ("catch-up", THREE, HEAVIER, {}, "unknown"),  # nothing was registered: nothing is shown
    ],
)
def test_the_members_stay_and_catch_up(wanted: str, during: Any, after: Any, told: Seen, value: str) -> None:
    looks = ({"p1": THREE}, {"p1": during}, {"p1": after})
    assert judged("members", wanted, "members", looks, told).value == value


FILE = {"pools.conf": {"sha256": 17}}
NEXT = {"pools.conf": {"sha256": 18}}
OTHER_NAME = {"member": "hk-backend-1", "weights": {"shop-api": 117}}


@pytest.mark.parametrize(
    ("before", "during", "after", "told", "value"),
    [
        (FILE, FILE, NEXT, TOLD, "unknown"),  # nginx: the file as a whole, no weights
        (FILE, NEXT, NEXT, TOLD, "false"),  # what differs during the fault is seen there too
        (THREE, THREE, HEAVIER, OTHER_NAME, "unknown"),  # `discover` is another name than the pool's
        (THREE, THREE, {"web": {}}, TOLD, "false"),  # the pool itself is gone
    ],
)
def test_catching_up_is_unknown_where_no_weights_are_told(
    before: Any, during: Any, after: Any, told: Seen, value: str
) -> None:
    looks = ({"p1": before}, {"p1": during}, {"p1": after})
    assert judged("members", "catch-up", "members", looks, told).value == value


def test_a_deployment_that_gets_no_requests_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy, "ask", lambda lab, node, argv, *rest: "8080" if argv[0] == "sed" else "0")
    monkeypatch.setattr(deploy, "DRAIN_SECONDS", 0.1)
    with pytest.raises(EnvironmentUnable, match="no request came to b1 in "):
        deploy.Deploy()._serving(None, "b1")  # type: ignore[arg-type]


@pytest.mark.parametrize(("connections", "served"), [("0", False), ("1", True)])
def test_who_got_no_requests_before_is_told_from_who_did(
    monkeypatch: pytest.MonkeyPatch, connections: str, served: bool
) -> None:
    monkeypatch.setattr(
        deploy, "ask", lambda lab, node, argv, *rest: "8080" if argv[0] == "sed" else connections
    )
    assert deploy.Deploy()._served(None, "spare", 0.1) is served  # type: ignore[arg-type]


UNIT = "haproxy.service"
LOOP = {"node": "p1", "unit": UNIT, "deaths": 9}


@pytest.mark.parametrize(
    ("before", "during", "after", "value"),
    [
        ("works", "escalated", "works", "true"),
        ("works", "dead", "works", "false"),
        ("works", "escalated", "escalated", "false"),
        ("escalated", "escalated", "works", "false"),
    ],
)
def test_healing_is_escalated_and_taken_back(before: str, during: str, after: str, value: str) -> None:
    looks = tuple({"p1": {UNIT: word}} for word in (before, during, after))
    assert judged("healing", "escalates", "healing", (looks[0], looks[1], looks[2]), LOOP).value == value


def test_an_agent_that_says_nothing_leaves_it_open() -> None:
    looks = ({"p1": {UNIT: "works"}}, {"p1": None}, {"p1": {UNIT: "works"}})
    assert judged("healing", "escalates", "healing", looks, LOOP).value == "unknown"


@pytest.mark.parametrize(
    ("during", "after", "told", "value"),
    [
        ("v2", "v2", {"b1": {"left": 0}}, "true"),
        ("v1", "v1", {"b1": {"left": 0}}, "false"),
        ("v2", "v1", {"b1": {"left": 0}}, "false"),
        ("v2", "v2", {"b1": {"left": 3}}, "false"),
        (None, "v2", {"b1": {"left": 0}}, "unknown"),
        ("v2", "v2", {}, "unknown"),
    ],
)
def test_every_version_is_renewed(during: Any, after: Any, told: Seen, value: str) -> None:
    looks = ({"b1": "v1"}, {"b1": during}, {"b1": after})
    assert judged("versions", "renewed", "versions", looks, told).value == value


def counted(first: tuple[int, float], second: tuple[int, float], taken: bool = True) -> Seen:
    counts = [{"requests": n, "pools": {"web-next": percent}} for n, percent in (first, second)]
    return {"pool": "web-next", "asked_percent": 5, "counts": counts, "renewed": {"p1": taken}}


@pytest.mark.parametrize(
    ("told", "value"),
    [
        (counted((21_000, 5.3), (7_000, 4.6)), "true"),
        (counted((21_000, 6.1), (7_000, 5.0)), "false"),
        (counted((21_000, 5.0), (7_000, 0.0)), "false"),  # the renewal lost it
        (counted((9_000, 5.0), (7_000, 5.0)), "unknown"),
        (counted((21_000, 5.0), (7_000, 5.0), taken=False), "unknown"),
        ({}, "unknown"),
    ],
)
def test_the_share_is_the_one_asked_for(told: Seen, value: str) -> None:
    assert judged("share", "asked", "members", ({}, {}, {}), told).value == value


HEAD = (
    "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
    "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state "
    "bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr "
    "srv_agent_addr srv_agent_port\n"
)
STATE = (
    HEAD
    + "5 api 1 m1 10.1.80.10 2 4 100 1 27 15 3 4 6 0 0 1 - 8080 - 0 0 - - 0\n"
    + "5 api 2 m2 10.1.80.11 2 0 0 100 27 15 3 4 6 0 0 1 - 8080 - 0 0 - - 0\n"
    + "5 api 3 m3 10.1.80.12 0 1 100 1 27 15 3 4 6 0 0 1 - 8080 - 0 0 - - 0\n"
    + "5 api 4 m4 0.0.0.0 0 5 1 1 27 1 0 0 14 0 0 1 - 0 - 0 0 - - 0\n"
    + "6 api--panic 1 m1 10.1.80.10 2 4 100 1 27 15 3 4 6 0 0 1 - 8080 - 0 0 - - 0\n"
    + "7 api--across 1 sg-proxy-1 10.2.48.10 2 0 100 100 27 6 3 4 6 0 0 1 - 8443 - 1 0 - - 0\n"
)


def test_members_in_maintenance_and_places_in_store_are_none() -> None:
    assert haproxy.members(STATE) == {"api": {"10.1.80.10:8080": 100, "10.1.80.11:8080": 0}}
    assert haproxy.members(None) is haproxy.members("Permission denied\n") is None
    assert haproxy.alive(STATE) == 4 and haproxy.alive(None) == haproxy.alive("Permission denied\n") == 0
    assert nginx.members("a") != nginx.members("b")


@pytest.mark.parametrize("reply", [None, "", "[]", '{"units": 3}'])
def test_a_status_that_cannot_be_read_is_none(reply: str | None) -> None:
    assert healing.judge(reply) is None
    assert healing.judge('{"units": {"x.service": "works"}}') == {"x.service": "works"}


def test_a_version_is_what_the_header_says() -> None:
    assert versions.judge("HTTP/1.1 200 OK\r\nX-Version: v7\r\n\r\n") == "v7"
    assert versions.judge("HTTP/1.1 200 OK\r\n\r\n") is None and versions.judge(None) is None


def test_connections_in_use_are_told_from_idle_ones() -> None:
    reply = (
        "# bkname/svname bkid/svid addr port - purge_delay used_cur used_max need_est\n"
        "api/m1 5/1 10.1.80.11 8080 - 5000 2 3 1 0 0 -1 0 0 0\n"
        "web/hk-backend-2 7/2 10.1.80.11 8080 - 5000 1 1 1 0 1 -1 1 1 0\n"
        "api/m2 5/2 10.1.80.12 8080 - 5000 9 9 1 0 1 -1 1 1 0\n"
    )
    assert haproxy.busy(reply) == {"10.1.80.11": 3, "10.1.80.12": 9}


def test_a_share_is_counted_by_port() -> None:
    found = share({"8080": 950, "8082": 50}, {"web": 8080, "web-next": 8082})
    assert found == {"requests": 1000, "pools": {"web": 95.0, "web-next": 5.0}}
