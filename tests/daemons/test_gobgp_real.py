"""GoBGP as an upstream of a rendered router, on the BIRD of both releases: what it hears of us, and what we take of it."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from tests.daemons.neighbours_kit import BEGIN, ESTATE, OURS, SAME, asker, each_platform, untouched
from trimtab.daemons.announcing import password_file
from trimtab.daemons.artifact import Artifact

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(150)]
WITH = ESTATE.replace(
    "local: [198.51.100.10/29]}",
    'local: [198.51.100.10/29], bfd: false, password: env:ISP, communities: ["64501:80", "64501:1:2"], med: 7, prepend: 2}',
)
SECRET = "a secret of two"
CONF = """\
[global.config]
  as = 64501
  router-id = "198.51.100.9"
  local-address-list = ["198.51.100.9"]
[[neighbors]]
  [neighbors.config]
    neighbor-address = "198.51.100.10"
    peer-as = 65020
    auth-password = "{secret}"
  [neighbors.transport.config]
    local-address = "198.51.100.9"
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
"""
SCRIPT = (
    BEGIN
    + r"""
go() { there /usr/local/lib/test/gobgp -p 50099 "$@"; }
begin() { nsenter --target $far --net /usr/local/lib/test/gobgpd -f /etc/test/$1.toml --api-hosts 127.0.0.1:50099 --log-plain \
        >/run/gobgp.log 2>&1 & gobgp=$!
    until_ "$1: GoBGP listens" 'go neighbor >/dev/null 2>&1'; }
isp() { ours show protocols up_isp4 | grep -q Established; }
heard() { go global rib 203.0.113.0/24 -j 2>/dev/null | grep -q 203.0.113.0; }
has() { ours "show route $1 table wan4 all" | grep -q up_isp4; }
"""
    + SAME
    + r"""
begin wrong
sleep 4
isp && echo "a wrong key was taken"
kill $gobgp; wait $gobgp 2>/dev/null
begin right
until_ "the session is up" isp
until_ "it hears of us" heard
echo "HEARD $(go global rib 203.0.113.0/24 -j)"
echo "OPEN $(go neighbor 198.51.100.10 -j)"
go global rib add 45.0.1.0/24 community 64501:9,65020:3 large-community 65020:1:4,64501:1:1
go global rib add 45.0.2.0/24 community 65535:0
go global rib add 10.9.0.0/16
until_ "its routes are here" 'has 45.0.1.0/24 && has 45.0.2.0/24'
for net in 45.0.1.0/24 45.0.2.0/24 10.9.0.0/16; do ours "show route $net table wan4 all" | tr '\n' ' ' | sed "s|^|ROUTE $net |"; echo; done
go global rib del 45.0.1.0/24
until_ "what it withdraws is gone" '! has 45.0.1.0/24 && has 45.0.2.0/24'
"""
    + SAME
    + r"""
theirs disable anchored > /dev/null
until_ "without an anchor it hears nothing of us" '! heard'
isp && echo "the session is still up"
theirs enable anchored > /dev/null
until_ "and with it again" heard
kill $gobgp; wait $gobgp 2>/dev/null
until_ "GoBGP has gone, its routes too" '! has 45.0.2.0/24'
begin right
until_ "it is back" 'isp && heard'
kill $gobgp
"""
)


@pytest.fixture(scope="module", params=each_platform())
def said(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    programs = [shutil.which(name) for name in ("gobgpd", "gobgp")]
    assert all(programs), "scripts/bootstrap brings them"
    files = [
        Artifact(f"/etc/test/{name}.toml", CONF.format(secret=secret))
        for name, secret in (("right", SECRET), ("wrong", "another secret"))
    ]
    files.append(Artifact(password_file("isp"), f'password "{SECRET}";\n'))
    run = asker(request.param, tmp_path_factory.mktemp("gobgp"))
    return run(SCRIPT, files, estate=WITH, seconds=60, programs=[each for each in programs if each])


def told(said: list[str], word: str) -> Any:
    (line,) = [line for line in said if line.startswith(f"{word} ")]
    return json.loads(line.removeprefix(f"{word} "))


def test_a_session_with_another_key_does_not_come_up(said: list[str]) -> None:
    assert "a wrong key was taken" not in said and "the session is up" in said


def test_it_hears_what_is_stated_and_nothing_of_our_own(said: list[str]) -> None:
    (path,) = told(said, "HEARD")[OURS] if isinstance(told(said, "HEARD"), dict) else told(said, "HEARD")
    attributes = {each["type"]: each for each in path["attrs"]}
    text = json.dumps(attributes)
    assert [s["asns"] for s in attributes[2]["as_paths"]] == [[65020] * 3]
    assert attributes[4]["metric"] == 7
    assert attributes[8]["communities"] == [(64501 << 16) + 80]
    assert attributes[32]["value"] == [{"ASN": 64501, "LocalData1": 1, "LocalData2": 2}], text


def test_its_routes_are_taken_with_our_marks_alone(said: list[str]) -> None:
    routes = dict(line.removeprefix("ROUTE ").split(maxsplit=1) for line in said if line.startswith("ROUTE "))
    one, last, bogon = (routes[net] for net in ("45.0.1.0/24", "45.0.2.0/24", "10.9.0.0/16"))
    assert "BGP.local_pref: 380" in one and "(64501,9)" in one and "(64501, 1, 1)" in one
    assert "(65020, 1, 1)" in one and "(65020,3)" not in one and "(65020, 1, 4)" not in one
    assert "BGP.local_pref: 0" in last, "GRACEFUL_SHUTDOWN"
    assert "up_isp4" not in bogon


def test_it_loses_our_prefix_with_the_anchor_alone(said: list[str]) -> None:
    untouched(said)
    assert "the session is still up" in said and "it is back" in said
