"""The table of requests, asked of one engine where it runs: `rows.py ENGINE`. Prints JSON, row → what was seen; a row that
breaks says how. Standard library only.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from asking import Headers, Link, Reply
from origin import Origin

NAME = "www.small.example"
LOG = Path("/run/engine.log")
VIP = "198.18.1.10"
MEMBERS = [f"10.1.80.{n}" for n in (10, 11, 12)]
PORTS = (8080, 8081, 8082, 8083)
ROWS: dict[str, Callable[[Origin], Any]] = {}
KIN = re.compile(r"^(x[-_]forwarded.*|forwarded|x[-_]real[-_]ip|.*client[-_]ip)$")
HEAVY = 30_000_000


def row(function: Callable[[Origin], Any]) -> Callable[[Origin], Any]:
    ROWS[function.__name__] = function
    return function


def ask(
    method: str, target: str, headers: Headers = (), body: bytes = b"", patience: float = 15.0, **how: Any
) -> Reply:
    try:
        link = Link(VIP, NAME, patience)
    except OSError:
        return Reply(0, [], b"")
    with contextlib.closing(link):
        return link.ask(method, target, headers, body, **how)


def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    ends = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < ends:
        time.sleep(0.02)
    return found


def sha(body: bytes) -> str:
    return hashlib.sha1(body).hexdigest()[:8]


# ---- what the member is told


@row
def forged_headers_are_dropped(origin: Origin) -> Any:
    """The headers of their kind that reach the member."""
    forged = [(name, "203.0.113.66") for name in (
        "X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "True-Client-IP",
        "X-Client-IP", "X-Cluster-Client-IP", "X-Forwarded-Server", "X-Forwarded-Prefix", "X_Forwarded_For", "X_Real_IP",
    )]  # fmt: skip
    told = ask("GET", "/echo", forged).json()["headers"]
    return sorted(f"{name}: {value}" for name, value in told if KIN.match(name))


@row
def host_without_port(origin: Origin) -> Any:
    return dict(ask("GET", "/echo", host=f"{NAME.upper()}:443").json()["headers"])["host"]


@row
def path_is_passed_on_raw(origin: Origin) -> Any:
    return ask("GET", "/a%2Fb//c/%61?x=%2F&y=a+b").json()["target"]


@row
def ordinary_headers_pass(origin: Origin) -> Any:
    sent = [
        ("X-Shop", "1"),
        ("Accept-Encoding", "br"),
        ("Authorization", "Basic eA=="),
        ("Cookie", "a=1; b=2"),
    ]
    told = dict(ask("GET", "/echo", sent).json()["headers"])
    return [told.get(name.lower()) for name, _ in sent]


# ---- routes


@row
def routes_by_the_raw_path(origin: Origin) -> Any:
    return [ask("GET", target).status for target in ("/old/x", "/%6fld/x", "//old/x", "/old/../x")]


@row
def routes_by_header_exactly(origin: Origin) -> Any:
    told = ("Blue, one", "blue, one", "one", "Blue")
    return [ask("GET", "/echo", [("X-Kind", value)]).status for value in told]


@row
def a_pool_called_like_a_redirect(origin: Origin) -> Any:
    found = [ask("GET", target) for target in ("/old/x", "/new/echo")]
    return [[reply.status, *reply.all("location")] for reply in found]


@row
def no_route(origin: Origin) -> Any:
    reply = ask("PROPFIND", "/only-get/x")
    return [reply.status, reply.body.decode(), dict(reply.headers).get("content-type")]


@row
def unknown_name(origin: Origin) -> Any:
    reply = ask("GET", "/echo", host="nobody.example")
    return [reply.status, reply.body.decode()]


@row
def expiry(origin: Origin) -> Any:
    found = ask("GET", "/kept/echo").all("cache-control")
    return [len(found), re.findall(r"max-age=(\d+)", " ".join(found))]


@row
def strict_transport_security_once(origin: Origin) -> Any:
    targets = ("/echo", "/says/1", "/old/x")
    return [ask("GET", target).all("strict-transport-security") for target in targets]


# ---- answers


@row
def what_the_member_says_passes(origin: Origin) -> Any:
    reply = ask("GET", "/says/1")
    return [reply.status, reply.all("server"), reply.all("set-cookie"), reply.all("location")]


@row
def answer_headers(origin: Origin) -> Any:
    return [ask("GET", f"/header/{size}").status for size in (6_000, 14_000, 17_000)]


@row
def answer_headers_too_long_end_no_pool(origin: Origin) -> Any:
    for _ in range(9):
        ask("GET", "/header/17000")
    return [ask("GET", "/echo").status for _ in range(9)]


@row
def events_arrive_one_by_one(origin: Origin) -> Any:
    """Seconds between the first and the last of four, rounded to tenths; at once would be 0."""
    reply = ask("GET", "/events/4", [("Accept-Encoding", "gzip")])
    return [reply.status, reply.body.count(b"data:"), reply.arrivals[-1] - reply.arrivals[0] > 0.6]


@row
def an_answer_that_drips_for_longer_than_server(origin: Origin) -> Any:
    reply = ask("GET", "/drip/5")
    return [reply.status, reply.body.count(b"data:")]


@row
def heavy_download(origin: Origin) -> Any:
    reply = ask("GET", f"/down/{HEAVY}")
    return [reply.status, len(reply.body)]


@row
def a_client_that_reads_slowly(origin: Origin) -> Any:
    with contextlib.closing(Link(VIP, NAME)) as link:
        link.send("GET", f"/down/{HEAVY}")
        time.sleep(3)
        return len(link.reply().body)


@row
def compressed_where_it_helps(origin: Origin) -> Any:
    asked = [("Accept-Encoding", "gzip")]
    return [ask("GET", f"/{what}/4096", asked).all("content-encoding") for what in ("json", "down")]


@row
def head(origin: Origin) -> Any:
    with contextlib.closing(Link(VIP, NAME)) as link:
        first = link.ask("HEAD", "/echo")
        return [first.status, bool(first.all("content-length")), link.ask("GET", "/echo").status]


@row
def http_1_0(origin: Origin) -> Any:
    reply = ask("GET", "/echo", version="1.0")
    return [reply.status, reply.json()["method"]]


@row
def http_1_0_without_a_name(origin: Origin) -> Any:
    return ask("GET", "/echo", version="1.0", host="").status


# ---- requests


@row
def request_headers(origin: Origin) -> Any:
    return [ask("GET", "/echo", [("Cookie", "a=" + "x" * size)]).status for size in (9_000, 14_000, 17_000)]


@row
def request_headers_in_many_lines(origin: Origin) -> Any:
    return [ask("GET", "/echo", [(f"X-{n}", "x" * 700) for n in range(many)]).status for many in (19, 40)]


@row
def a_long_path(origin: Origin) -> Any:
    return [ask("GET", "/echo?" + "x" * size).status for size in (7_000, 14_000, 17_000)]


@row
def heavy_upload(origin: Origin) -> Any:
    body = b"x" * HEAVY
    told = ask("POST", "/echo", body=body).json()
    return [told["size"] == HEAVY, told["sha"] == sha(body)]


@row
def chunked_upload(origin: Origin) -> Any:
    with contextlib.closing(Link(VIP, NAME)) as link:
        link.send("POST", "/echo", [("Transfer-Encoding", "chunked")])
        for _ in range(40):
            link.socket.sendall(b"10000\r\n" + b"y" * 65536 + b"\r\n")
        link.socket.sendall(b"0\r\n\r\n")
        return link.reply("POST").json()["size"]


@row
def an_upload_streams(origin: Origin) -> Any:
    """The member has the first half before the client has sent the second."""
    with contextlib.closing(Link(VIP, NAME)) as link:
        link.send("POST", "/echo?half", [("Content-Length", "2000000")])
        link.socket.sendall(b"z" * 1_000_000)
        came = eventually(lambda: origin.got.get("/echo?half", 0) > 900_000, 3)
        link.socket.sendall(b"z" * 1_000_000)
        return [came, link.reply("POST").status]


@row
def an_upload_to_a_member_that_reads_nothing_for_3_s(origin: Origin) -> Any:
    found = [ask(method, "/stall/3", body=b"x" * HEAVY) for method in ("POST", "PUT")]
    return [[r.status, r.json()["size"]] if r.status == 200 else r.status for r in found]


@row
def an_upload_that_is_refused_at_once(origin: Origin) -> Any:
    return ask("POST", "/reject/1", body=b"x" * 3_000_000).status


@row
def expect_100_continue(origin: Origin) -> Any:
    with contextlib.closing(Link(VIP, NAME)) as link:
        link.send("POST", "/echo", [("Expect", "100-continue"), ("Content-Length", "200000")])
        link.socket.settimeout(5)
        said = link.until(b"\r\n\r\n").split(b" ")[1].decode()
        link.socket.sendall(b"x" * 200_000)
        return [said, link.reply("POST").json()["size"]]


@row
def a_request_with_a_small_body(origin: Origin) -> Any:
    found = [ask(method, "/echo", body=b"a=1").json() for method in ("POST", "PUT", "PATCH", "DELETE")]
    return [[told["method"], told["size"]] for told in found]


# ---- WebSocket

WS: Headers = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
               ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]  # fmt: skip


@row
def a_websocket(origin: Origin) -> Any:
    """It is silent for longer than `server`, and serves on."""
    with contextlib.closing(Link(VIP, NAME)) as link:
        link.send("GET", "/ws/1", WS)
        reply = link.reply()
        said = [reply.status]
        for pause in (0, 5):
            time.sleep(pause)
            link.socket.sendall(b"\x81\x02hi")
            said.append(link.exactly(4).hex())
        return said


# ---- members that are slow, dead, or die


@row
def a_read_longer_than_server(origin: Origin) -> Any:
    return [ask("GET", "/slow/6").status, origin.times("GET", "/slow/6")]


@row
def a_write_longer_than_server(origin: Origin) -> Any:
    return [ask("POST", "/slow/6", body=b"a=1").status, origin.times("POST", "/slow/6")]


@row
def slow_reads_end_no_pool(origin: Origin) -> Any:
    """Of two pools: with `answer`, and without. Nine at once, then everybody else."""
    found = []
    for path in ("/quick", ""):
        readers = [threading.Thread(target=ask, args=("GET", f"{path}/slow/6?{n}")) for n in range(9)]
        for each in readers:
            each.start()
        for each in readers:
            each.join()
        found.append([ask("GET", f"{path}/echo").status for _ in range(12)])
        found.append([ask("POST", f"{path}/echo", body=b"a=1").status for _ in range(6)])
    return [sorted(set(each)) for each in found]


@row
def reads_of_a_member_that_dies_answering(origin: Origin) -> Any:
    origin.dying = {MEMBERS[0]}
    found = {ask(method, f"/die/1?{n}").status for method in ("GET", "HEAD", "OPTIONS") for n in range(6)}
    origin.dying = set()
    return sorted(found)


@row
def writes_of_members_that_die_answering(origin: Origin) -> Any:
    """(status, how often it was done)."""
    origin.dying = set(MEMBERS)
    found = {}
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        target, body = f"/die/1?{method}", b"a=1" if method != "DELETE" else b""
        found[method] = [ask(method, target, body=body).status, origin.times(method, target)]
    origin.dying = set()
    return found


@row
def idle_connections_are_closed_before_the_member_does(origin: Origin) -> Any:
    """Of those that were idle for a moment: the proxy ended most. (HAProxy forgets one now and then.)"""
    threads = [threading.Thread(target=ask, args=("GET", "/slow/0.2")) for _ in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    origin.closed.clear()
    time.sleep(6)
    ended = [who for who, idle in origin.closed if idle > 0.2]
    return [ended.count("proxy") > 0, ended.count("member") < ended.count("proxy")]


# ---- HTTP/2


def curl(*words: str) -> str:
    command = ["curl", "-sk", "--http2", "--max-time", "20", "--resolve", f"{NAME}:443:{VIP}", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@row
def http_2(origin: Origin) -> Any:
    return curl("-o", "/dev/null", "-w", "%{http_code} %{http_version}", f"https://{NAME}/echo")


@row
def http_2_headers(origin: Origin) -> Any:
    found = []
    for size in (9_000, 14_000):
        found.append(
            curl(
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                "-H",
                f"Cookie: a={'x' * size}",
                f"https://{NAME}/echo",
            )
        )
    return found


@row
def http_2_upload(origin: Origin) -> Any:
    Path("/run/heavy").write_bytes(b"x" * HEAVY)
    told = json.loads(curl("--data-binary", "@/run/heavy", "-H", "Expect:", f"https://{NAME}/stall/2"))
    return told["size"]


@row
def every_member_gone(origin: Origin) -> Any:
    origin.close(*MEMBERS)
    found = {ask("GET", "/echo", patience=20).status for _ in range(3)}
    serve(origin, MEMBERS)
    eventually(
        lambda: all(ask("GET", f"{path}/echo").status == 200 for path in ("", "/quick") for _ in range(6))
    )
    return sorted(found)


# ---- last, for it takes hosts away


def cut(address: str) -> None:
    """What is sent to it gets lost, as when its host has no power."""
    subprocess.run(["nft", "add", "rule", "inet", "dark", "in", "ip", "daddr", address, "drop"], check=True)


@row
def a_member_without_power(origin: Origin) -> Any:
    """Who has connections to it, kept ones too, is served by others before a client gives up. By pool."""
    subprocess.run("nft add table inet dark; nft 'add chain inet dark in { type filter hook input priority 0; }'",
                   shell=True, check=True)  # fmt: skip
    clients = {path: [Link(VIP, NAME, 3) for _ in range(12)] for path in ("/quick", "")}
    for path, links in clients.items():
        for link in links * 2:
            link.ask("GET", f"{path}/echo")
    cut(MEMBERS[0])
    return {
        path or "/": all(link.ask("GET", f"{path}/echo").status == 200 for link in links for _ in range(2))
        for path, links in clients.items()
    }


def run(function: Callable[[Origin], Any], origin: Origin) -> Any:
    try:
        return function(origin)
    except Exception as error:  # the other rows are none the worse
        return f"{type(error).__name__}: {error}"


def serve(origin: Origin, members: Sequence[str]) -> None:
    for address in members:
        for port in PORTS:
            origin.listen(address, port)


def start(engine: str, members: Sequence[str] = MEMBERS) -> tuple[Origin, subprocess.Popen[bytes]]:
    """The members, and the engine in front of them, which serves."""
    origin = Origin()
    serve(origin, members)
    with LOG.open("wb") as log:
        process = subprocess.Popen(["sh", f"/etc/test/{engine}.sh"], stdout=log, stderr=log)
    eventually(lambda: ask("GET", "/echo", patience=1).status == 200, 15)
    return origin, process


def tell(found: dict[str, Any], process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    found["log"] = LOG.read_text(errors="replace")[-3000:]
    print(json.dumps(found))


def main() -> None:
    engine, *only = sys.argv[1:]
    origin, process = start(engine)
    found: dict[str, Any] = {}
    for name, function in ROWS.items():
        if not only or name in only:
            began = time.monotonic()
            found[name] = run(function, origin)
            print(f"{name} {time.monotonic() - began:.1f} s", file=sys.stderr)
    tell(found, process)


if __name__ == "__main__":
    main()
