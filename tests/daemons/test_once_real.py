"""Real proxies of both releases: what a member may have done is done once, whoever repeats by himself is told 502."""

from __future__ import annotations

from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.daemons.once_kit import Stand
from trimtab.delivery import systems
from trimtab.estate.platform import PLATFORMS

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(120)]
OWN = systems.own_platform()
HTTP = ("--http2", "--http1.1")


def stands() -> list[ParameterSet]:
    """Of another release with --full alone; of this one each key is there once with either value."""
    found = list[ParameterSet]()
    for platform in PLATFORMS:
        own = [] if platform == OWN else [pytest.mark.full]
        for stated in (True, False):
            for answer in ("", "400ms"):
                marks = own if stated == bool(answer) else [pytest.mark.full]
                name = f"haproxy-{platform}-{'stated' if stated else 'unsaid'}{'-answer' if answer else ''}"
                found.append(pytest.param(Stand("haproxy", platform, stated, answer), marks=marks, id=name))
        found.append(pytest.param(Stand("nginx", platform, True), marks=own, id=f"nginx-{platform}"))
    return found


each_stand = pytest.mark.parametrize("stand", stands())
HAPROXY = pytest.mark.parametrize("stand", [each for each in stands() if "nginx" not in str(each.id)])

ONCE = r"""
for http in --http2 --http1.1; do
    for before in none gets posts; do
        case_
        case $before in
            none) first="" ;;
            gets) first="-sk $R $http $U/a -o /dev/null $U/b -o /dev/null $U/c -o /dev/null --next" ;;
            posts) first="-sk $R $http -d x=1 $U/a -o /dev/null $U/b -o /dev/null $U/c -o /dev/null --next" ;;
        esac
        curl $first -sk $R --max-time 10 $http -d order=1 $U/die -o /dev/null -w '%{http_code}\n' || true
        done_
    done
done
"""


@each_stand
def test_a_post_whose_member_ends_without_an_answer_is_done_once(stand: Stand, tmp_path: Path) -> None:
    """New connections and kept ones, of HTTP/2 and HTTP/1.1, after requests of either kind."""
    told = stand.run(tmp_path, ONCE)
    assert len(told) == 6
    for each in told:
        died = [line for line in each.done if line["path"] == "/die"]
        assert each.said[-1] == "502", each
        assert len(died) == 1, each


KILLS = r"""
for http in --http2 --http1.1; do
    for before in none gets; do
        case_
        case $before in
            none) first="" ;;
            gets) first="-sk $R $http $U/a -o /dev/null $U/b -o /dev/null --next" ;;
        esac
        curl $first -sk $R --max-time 20 $http $U/die -o /dev/null -w '%{http_code}\n' || true
        done_
    done
done
"""


@each_stand
def test_a_get_that_kills_whoever_answers_reaches_no_more_than_the_docs_say(
    stand: Stand, tmp_path: Path
) -> None:
    """docs/estate.md, done once: an attempt and three retries, and what curl repeats by itself comes on top."""
    repeated = {"debian-12": 6, "debian-13": 2}[stand.platform] if stand.engine == "haproxy" else 1
    most = (4 * repeated, 4 * repeated, 4, 8 if stand.engine == "haproxy" else 4)
    for told, limit in zip(stand.run(tmp_path, KILLS), most, strict=True):
        reached = [line for line in told.done if line["path"] == "/die"]
        assert 1 < len(reached) <= limit, (told, limit)


FRESH = r"""
case_
for http in --http2 --http1.1; do
    curl -sk $R $http $U/a -o /dev/null $U/a -o /dev/null $U/a -o /dev/null \
        --next -sk $R $http -d order=1 $U/b -o /dev/null $U/b -o /dev/null $U/b -o /dev/null $U/b -o /dev/null
done
done_
"""


@HAPROXY
def test_what_changes_something_has_a_connection_of_its_own(stand: Stand, tmp_path: Path) -> None:
    """On a kept one that its member ends at that moment nobody knows whether the member had begun. GETs keep theirs."""
    (told,) = stand.run(tmp_path, FRESH)
    assert [line["turn"] for line in told.done if line["method"] == "POST"] == [1] * 8
    assert max(line["turn"] for line in told.done if line["method"] == "GET") > 1


METHODS = r"""
for method in PUT PATCH DELETE; do
    case_
    curl -sk $R $U/a -o /dev/null $U/b -o /dev/null \
        --next -sk $R --max-time 10 -X $method $U/die -o /dev/null -w '%{http_code}\n' || true
    done_
done
"""


@each_stand
def test_so_is_whatever_else_changes_something(stand: Stand, tmp_path: Path) -> None:
    """PUT and DELETE too, though they may be repeated by their meaning (RFC 9110, 9.2.2)."""
    told = stand.run(tmp_path, METHODS)
    for each, method in zip(told, ("PUT", "PATCH", "DELETE"), strict=True):
        died = [line for line in each.done if line["method"] == method]
        assert (each.said[-1], len(died)) == ("502", 1), each


GONE = r"""
case_
curl -sk $R -d order=1 $U/gone -o /dev/null -w '%{http_code}\n' || true
for http in --http2 --http1.1; do
    for n in 1 2 3 4; do curl -sk $R $http $U/a -o /dev/null --next -sk $R $http -d order=2 $U/buy -o /dev/null -w '%{http_code}\n'; done
done
done_
"""


@each_stand
def test_what_a_dead_member_never_had_is_done_by_another(stand: Stand, tmp_path: Path) -> None:
    """Its process is gone, HAProxy's checks have not noticed yet: a refused connection was nobody's order."""
    (told,) = stand.run(tmp_path, GONE)
    assert told.said == ("502", *["201"] * 8)
    buyers = [line["by"] for line in told.done if line["path"] == "/buy"]
    assert len(buyers) == 8 and len(set(buyers)) == 1
    assert len([line for line in told.done if line["path"] == "/gone"]) == 1


SAME = r"""
case_
spoof="-H X-Forwarded-For:192.0.2.9 -H X-Trimtab-Once:next"
curl -sk $R --http2 $spoof -d a=1 $U/buy -o /dev/null -w '%{http_code}\n'
curl -sk $R --http1.1 -d a=1 $U/old/x -o /dev/null -w '%{http_code}\n'
curl -sk $R --http1.1 -H 'Host: else.example' -d a=1 $U/buy -o /dev/null -w '%{http_code}\n'
curl -sk $R -d a=1 $U/split/buy -o /dev/null -w '%{http_code}\n'
done_
case_
curl -sk $R -c /run/jar -d a=1 $U/kept/first -w ' %{http_code}\n'
for n in 1 2 3 4 5; do curl -sk $R -b /run/jar -d a=1 $U/kept/again -w ' %{http_code}\n'; done
done_
case_
waits sh -c "echo show stat -1 4 -1 | socat - UNIX-CONNECT:/run/haproxy/admin.sock | grep ^ill, | cut -d, -f18 | sort -u | grep -qx DOWN"
curl -sk $R -d a=1 $U/panic/buy -w ' %{http_code}\n'
done_
case_
head -c 30000000 /dev/zero > /run/big
for http in --http2 --http1.1; do curl -sk $R $http --data-binary @/run/big $U/big -o /dev/null -w '%{http_code}\n'; done
done_
case_
for method in GET POST; do
    curl -sk $R --http1.1 -X $method -H 'Connection: Upgrade' -H 'Upgrade: x' $U/tunnel -w ' %{http_code}\n'
done
done_
"""


@HAPROXY
def test_the_rest_is_as_it_was(stand: Stand, tmp_path: Path) -> None:
    """Routes, names, headers, splits, cookies, panic, large bodies, tunnels: a second stage changes none of it."""
    plain, kept, panic, big, tunnels = stand.run(tmp_path, SAME)
    assert plain.said == ("201", "302", "421", "201")
    (buy, split) = plain.done
    assert buy["by"].endswith(":8080") and split["by"].endswith(":8080")
    vip = next(str(v) for v in stand.inventory().vips(4))
    headers = {name.lower(): value for name, value in buy["headers"].items()}
    assert headers["x-forwarded-for"] == vip, "curl's own address: it asks from where it asks"
    assert headers["host"] == "www.small.example"
    assert ("x-trimtab-once" in headers) == (headers.get("x-trimtab-once") == "next")
    members = {line["by"] for line in kept.done}
    assert len(kept.done) == 6 and len(members) == 1 and members <= {"b10:8082", "b11:8082"}
    assert [line["by"][-5:] for line in panic.done] == [":8083"] and panic.said[-1].endswith("201")
    assert big.said == ("201", "201") and [line["length"] for line in big.done] == [30_000_000] * 2
    assert tunnels.said == ("through the tunnel 101",) * 2


LOGGED = r"""
case_
curl -sk $R -d order=1 $U/die -o /dev/null
curl -sk $R --http1.1 -d order=1 $U/next/die -o /dev/null
waits grep -q /next/die /run/out
grep /die /run/out
"""


@HAPROXY
def test_one_line_of_the_log_names_pool_and_member(stand: Stand, tmp_path: Path) -> None:
    (told,) = stand.run(tmp_path, LOGGED)
    assert len(told.said) == 2, told.said
    client = str(next(iter(stand.inventory().vips(4))))  # curl asks from where it asks
    for line in told.said:
        assert line.startswith(f"{client}:") and " web--patient/one-backend-" in line and " 502 " in line


RELOADED = r"""
case_
clients=""
for n in 1 2 3 4; do
    for http in --http2 --http1.1; do
        curl -sk $R $http --rate 40/s --max-time 10 -d a=1 "$U/buy/$n$http/[1-EACH]" -o /dev/null -w '%{http_code}\n' > /run/said-$n$http &
        clients="$clients $!"
    done
done
for reload in 1 2 3; do
    waits sh -c "test \$(grep -c /buy/ /run/ledger) -ge \$((reload * EACH))"
    /usr/local/lib/trimtab/proxy-reload haproxy $PROXY
done
kill -0 $clients  # the last one came while they were asking
wait $clients
sort /run/said-* | uniq -c
done_
"""
EACH = 200  # of 8 clients, 40 a second each


@HAPROXY
def test_no_post_fails_under_a_reload(stand: Stand, tmp_path: Path) -> None:
    """Old workers go on with their connections; what they ask the second stage is taken by the new one."""
    (told,) = stand.run(tmp_path, RELOADED.replace("EACH", str(EACH)))
    assert [line.split() for line in told.said] == [[str(8 * EACH), "201"]], told.said
    bought = [line["path"] for line in told.done if line["path"].startswith("/buy/")]
    assert len(bought) == len(set(bought)) == 8 * EACH
