"""One table of requests for both engines: real daemons, the rendered files of one estate, one small origin. Each row has one
answer; where an engine cannot give it, its own is in DIFFERENT, with the reason.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.daemons.engines_kit import Place, estate
from tests.daemons.inside.rows import ROWS
from trimtab.delivery import systems
from trimtab.estate.platform import PLATFORMS

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(200)]
OWN = systems.own_platform()
HSTS = ["max-age=31536000"]

EXPECTED: dict[str, Any] = {
    "forged_headers_are_dropped": [
        "x-forwarded-for: 198.18.1.10",
        "x-forwarded-host: www.small.example",
        "x-forwarded-port: 443",
        "x-forwarded-proto: https",
        "x-real-ip: 198.18.1.10",
    ],
    "host_without_port": "www.small.example",
    "path_is_passed_on_raw": "/a%2Fb//c/%61?x=%2F&y=a+b",
    "ordinary_headers_pass": ["1", "br", "Basic eA==", "a=1; b=2"],
    "routes_by_the_raw_path": [302, 200, 200, 302],
    "routes_by_header_exactly": [302, 200, 200, 200],
    "a_pool_called_like_a_redirect": [[302, "https://elsewhere.example/"], [200]],
    "no_route": [404, "no route", "text/plain"],
    "unknown_name": [421, "no service of this name here"],
    "expiry": [1, ["3600"]],
    "strict_transport_security_once": [HSTS, HSTS, HSTS],
    "what_the_member_says_passes": [200, ["shop/1"], ["a=1", "b=2"], ["http://web/there"]],
    "answer_headers": [200, 200, 502],
    "answer_headers_too_long_end_no_pool": [200] * 9,
    "events_arrive_one_by_one": [200, 4, True],
    "an_answer_that_drips_for_longer_than_server": [200, 5],
    "heavy_download": [200, 30_000_000],
    "a_client_that_reads_slowly": 30_000_000,
    "compressed_where_it_helps": [["gzip"], []],
    "head": [200, True, 200],
    "http_1_0": [200, "GET"],
    "http_1_0_without_a_name": 421,
    "request_headers": [200, 200, 400],
    "request_headers_in_many_lines": [200, 400],
    "a_long_path": [200, 200, 400],
    "heavy_upload": [True, True],
    "chunked_upload": 2_621_440,
    "an_upload_streams": [True, 200],
    "an_upload_to_a_member_that_reads_nothing_for_3_s": [[200, 30_000_000], [200, 30_000_000]],
    "an_upload_that_is_refused_at_once": 413,
    "expect_100_continue": ["100", 200_000],
    "a_request_with_a_small_body": [["POST", 3], ["PUT", 3], ["PATCH", 3], ["DELETE", 3]],
    "a_websocket": [101, "81026869", "81026869"],
    "a_read_longer_than_server": [504, 1],
    "a_write_longer_than_server": [504, 1],
    "slow_reads_end_no_pool": [[200], [200], [200], [200]],
    "reads_of_a_member_that_dies_answering": [200],
    "writes_of_members_that_die_answering": {
        "POST": [502, 1],
        "PUT": [502, 1],
        "PATCH": [502, 1],
        "DELETE": [502, 1],
    },
    "idle_connections_are_closed_before_the_member_does": [True, True],
    "http_2": "200 2",
    "http_2_headers": ["200", "200"],
    "http_2_upload": 30_000_000,
    "every_member_gone": [503],
    "a_member_without_power": {"/quick": True, "/": True},
}
# (row, engine): (its answer, why).
DIFFERENT: dict[tuple[str, str], tuple[Any, str]] = {
    ("a_long_path", "nginx"): (
        [200, 200, 414],
        "the same limit; nginx has the better word for it (RFC 9110, 15.5.15)",
    ),
    ("every_member_gone", "nginx"): (
        [502],
        "nginx has one word for a member that cannot be reached and for none left",
    ),
    ("a_member_without_power", "nginx"): (
        {"/quick": True, "/": False},
        "a kept connection to a dead host: nginx has no tcp-ut, and without `answer` a read on it waits for `server` "
        "(finding keepalive-to-dead-host)",
    ),
}


def expected(row: str, engine: str) -> Any:
    return DIFFERENT.get((row, engine), (EXPECTED[row], ""))[0]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            (engine, platform), id=f"{engine}-{platform}", marks=[] if platform == OWN else pytest.mark.full
        )
        for platform in PLATFORMS
        for engine in ("haproxy", "nginx")
    ],
)
def seen(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, Any]]:
    """(engine, what it did in each row)."""
    engine, platform = request.param
    place = Place(estate(engine, platform), tmp_path_factory.mktemp(engine), platform)
    return engine, place.run("rows.py", engine)


@pytest.mark.parametrize("row", EXPECTED)
def test_the_engines_agree(seen: tuple[str, dict[str, Any]], row: str) -> None:
    engine, found = seen
    assert found[row] == expected(row, engine), found["log"][-1500:]


def test_every_row_has_its_answer_and_every_difference_its_row() -> None:
    assert list(EXPECTED) == list(ROWS)
    assert all(row in EXPECTED and EXPECTED[row] != answer for (row, _), (answer, _) in DIFFERENT.items())
