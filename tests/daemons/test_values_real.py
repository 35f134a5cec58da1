"""Values with characters that could mean something to a daemon arrive as they were written: on both engines of this machine's
release, and with --full of the other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.estate.make import SMALL
from trimtab.daemons.rendered import render_host
from trimtab.delivery import sandbox, systems
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate
from trimtab.estate.platform import PLATFORMS, Platform

pytestmark = pytest.mark.daemon
Ask = Callable[[dict[str, str], str], object]
OWN = systems.own_platform()
TARGET = "/-/ready?all=1&b=%20;c,d:e@f!g~h(i)*j+k=l/m?n"
URL = "https://r.example/a%20b%2F?x=%25&y=1#z"
HAPROXY = "defaults\n    mode http\n    timeout connect 1s\n    timeout client 5s\n    timeout server 5s\n"
NGINX = "user root; master_process off; daemon off; pid /run/pid; error_log stderr crit;\nevents {{}}\n"
NGINX += "http {{ access_log off; map_hash_bucket_size 512;\n{temporary}\n{maps}\n"
NGINX += "server {{ listen 127.0.0.1:18080; location / {{ {answer} }} }} }}\n"
TEMPORARY = " ".join(
    f"{kind}_temp_path /run/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)
# Answers requests and remembers what was asked; then asks what it is told.
SCRIPT = r"""
import http.client, http.server, json, os, subprocess, sys, threading, time
seen = []
class Member(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        seen.append(self.path)
        self.send_response(200)
        self.end_headers()
    log_message = do_HEAD = lambda *_: None
threading.Thread(target=http.server.HTTPServer(("127.0.0.1", 18081), Member).serve_forever, daemon=True).start()
daemon = subprocess.Popen(sys.argv[2:])
def ask(headers):
    link = http.client.HTTPConnection("127.0.0.1", 18080, timeout=2)
    link.request("GET", "/", headers=headers)
    reply = link.getresponse()
    return [reply.status, reply.getheader("Location"), reply.read().decode()]
def wait(what):
    ends = time.monotonic() + 10
    while time.monotonic() < ends and daemon.poll() is None:
        try:
            if found := what():
                return found
        except OSError:
            pass
        time.sleep(0.02)
    raise SystemExit("nothing came")
wanted = json.loads(sys.argv[1])
found = wait(lambda: seen) if wanted == "checked" else [wait(lambda: ask(each)) for each in wanted]
daemon.terminate()
print(json.dumps(found))
"""


@pytest.fixture(params=[pytest.param(p, marks=[] if p == OWN else pytest.mark.full) for p in PLATFORMS])
def platform(request: pytest.FixtureRequest) -> Platform:
    found: Platform = request.param
    return found


@pytest.fixture
def ask(platform: Platform, tmp_path: Path) -> Ask:
    """Runs SCRIPT with a daemon whose file is given, where the release's programs are; what it printed."""
    release = systems.wanted(platform)
    system = systems.find(release, ["/usr/sbin/haproxy"]) if release else None

    def run(files: dict[str, str], wanted: str) -> object:
        folder = tmp_path / "host/etc/test"
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (files | {"script.py": SCRIPT}).items():
            (folder / name).write_text(text)
        daemon = "haproxy -db -q -f" if "haproxy.cfg" in files else "nginx -e stderr -c"
        command = f"exec python3 /etc/test/script.py '{wanted}' {daemon} /etc/test/{next(iter(files))}"
        reply = sandbox.run(
            tmp_path / "host", tmp_path / "extra", set(), {"it": ["sh", "-c", command]}, system
        )["it"]
        assert reply.code == 0, reply.text
        return json.loads(reply.text.splitlines()[-1])

    return run


def rendered(text: str, name: str) -> str:
    inventory = Inventory(read_estate(text, "real.yaml")[0])
    return next(a.content for a in render_host(inventory, inventory.by_name["one-proxy-1"]) if a.path == name)


def haproxy(text: str, answer: str) -> dict[str, str]:
    """The lines of all routes, in a frontend without TLS."""
    config = rendered(text, "/etc/haproxy/haproxy.cfg")
    lines = re.findall(
        r"(?m)^    http-request (?:set-var\(txn\.(?:route|pool|any_\w+)\)|redirect location) .*", config
    )
    front = "frontend f\n    bind 127.0.0.1:18080\n    http-request set-var(txn.service) str(www)\n"
    return {"haproxy.cfg": HAPROXY + front + "\n".join(lines) + f"\n    {answer}\n"}


def nginx(text: str) -> dict[str, str]:
    """The maps of all routes, in a server without TLS."""
    config = rendered(
        text.replace("pools:\n", "tiers: {proxy: {engine: nginx}}\npools:\n"), "/etc/nginx/nginx.conf"
    )
    maps = re.findall(r"(?m)^    map .*(?:\{$(?s:.*?)^    \}|\})$", config)
    redirects = "".join(re.findall(r"(?m)^ +if \(\$t_www_target = \.redirect.*", config))
    return {
        "nginx.conf": NGINX.format(
            temporary=TEMPORARY, maps="\n".join(maps), answer=redirects + "return 200 $t_www_target;"
        )
    }


def test_a_check_asks_for_its_query_as_it_was_written(ask: Ask) -> None:
    pools = rendered(SMALL.replace("get: /health", f'get: "{TARGET}"'), "/etc/haproxy/pools.cfg")
    lines = re.findall(r"(?m)^    (?:option httpchk|http-check .*)$", pools.split("\n\n")[1])
    text = (
        HAPROXY + "backend web\n" + "\n".join(lines) + "\n    server one 127.0.0.1:18081 check inter 100ms\n"
    )
    found = ask({"haproxy.cfg": text + "frontend f\n    bind 127.0.0.1:18080\n"}, '"checked"')
    assert isinstance(found, list) and set(found) == {TARGET}


@pytest.mark.parametrize("engine", ["haproxy", "nginx"])
def test_a_redirect_leads_where_it_was_written(ask: Ask, engine: str) -> None:
    text = SMALL.replace("[{pool: web}]", f'[{{redirect: "{URL}"}}]')
    found = ask(haproxy(text, "") if engine == "haproxy" else nginx(text), "[{}]")
    assert isinstance(found, list) and found[0][:2] == [302, URL]


@pytest.mark.parametrize("engine", ["haproxy", "nginx"])
def test_a_header_is_compared_as_it_was_written(ask: Ask, engine: str) -> None:
    values = ["default", "~a", "include", "#", "a.b", "x" * 900]
    routes = "".join(f"      - {{header: {{x: '{value}'}}, pool: p{n}}}\n" for n, value in enumerate(values))
    text = SMALL.replace("[{pool: web}]", f"\n{routes}      - {{pool: web}}") + "".join(
        f"  p{n}: {{hosts: backend, port: {9000 + n}, check: {{get: /h}}}}\n" for n in range(len(values))
    )
    files = haproxy(
        text, 'http-request return status 200 content-type text/plain lf-string "%[var(txn.pool)]"'
    )
    asked = [*({"x": value} for value in values), {"x": "DEFAULT"}, {"x": "a"}, {"x": "acb"}, {}]
    found = ask(files if engine == "haproxy" else nginx(text), json.dumps(asked))
    assert isinstance(found, list)
    assert [each[2] for each in found] == [*(f"p{n}" for n in range(len(values))), "web", "web", "web", "web"]


@pytest.mark.parametrize("engine", ["haproxy", "nginx"])
def test_a_list_may_be_longer_than_a_line(ask: Ask, engine: str) -> None:
    methods = ", ".join(["GET", *(f"M{n}" for n in range(60))])
    names = ", ".join(f"h{n}.small.example" for n in range(90))
    route = f"{{method: [{methods}], host: [{names}], header: {{a: b, c: d}}, pool: p}}"
    text = SMALL.replace("[www.small.example]", f"[{names}]").replace(
        "[{pool: web}]", f"[{route}, {{pool: web}}]"
    )
    text += "  p: {hosts: backend, port: 9000, check: {get: /h}}\n"
    files = haproxy(
        text, 'http-request return status 200 content-type text/plain lf-string "%[var(txn.pool)]"'
    )
    service = "    http-request set-var(txn.service)"
    host = f"    http-request set-var(txn.host) req.hdr(host)\n{service}"
    files = {name: each.replace(service, host) for name, each in files.items()}
    both = {"a": "b", "c": "d"}
    asked = [
        {"Host": "h89.small.example", **both},
        {"Host": "h0.small.example", **both},
        {"Host": "h0.small.example"},
    ]
    found = ask(
        files if engine == "haproxy" else nginx(text), json.dumps([*asked, {"Host": "other.example", **both}])
    )
    assert isinstance(found, list)
    assert [each[2] for each in found] == ["p", "p", "web", "web"]
