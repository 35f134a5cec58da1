"""Each word of the feature tables, asked of the daemon itself: of this machine's release, and with --full of the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from trimtab.daemons.bird import features as bird
from trimtab.daemons.etcd import features as etcd
from trimtab.daemons.haproxy import features as haproxy
from trimtab.daemons.keepalived import features as keepalived
from trimtab.daemons.nginx import features as nginx
from trimtab.daemons.reply import Reply
from trimtab.delivery import sandbox, systems
from trimtab.delivery.throwaway import ThrowawayCa
from trimtab.estate.platform import PLATFORMS, Platform

pytestmark = pytest.mark.daemon
Ask = Callable[..., Reply]
OWN = systems.own_platform()

HAPROXY = """
global
    stats socket /run/admin.sock level admin
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend shop
    bind 127.0.0.1:18080
    default_backend api
backend api
    cookie SRV insert indirect nocache dynamic
    dynamic-cookie-key shop
frontend member
    bind 127.0.0.1:18081
    http-request return status 200
"""
RUN_HAPROXY = r"""
haproxy -D -f /etc/test/haproxy.cfg
say() { echo "$1" | socat -t2 - UNIX-CONNECT:/run/admin.sock; }
"""


@pytest.fixture(
    params=[
        pytest.param(platform, marks=[] if platform == OWN else pytest.mark.full) for platform in PLATFORMS
    ]
)
def platform(request: pytest.FixtureRequest) -> Platform:
    found: Platform = request.param
    return found


@pytest.fixture
def ask(platform: Platform, tmp_path: Path) -> Ask:
    """Runs a shell script where the release's programs are, with files below /etc/test. Fails where there is no system."""
    release = systems.wanted(platform)
    system = systems.find(release, ["/usr/sbin/haproxy"]) if release else None

    def run(script: str, files: Mapping[str, str] | None = None) -> Reply:
        folder = tmp_path / "host" / "etc" / "test"
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (files or {}).items():
            (folder / name).write_text(text)
        commands = {"it": ["sh", "-c", script]}
        return sandbox.run(tmp_path / "host", tmp_path / "extra", set(), commands, system)["it"]

    return run


@pytest.mark.parametrize(
    ("command", "table", "says"),
    [
        ("haproxy -v", haproxy.BY_PLATFORM, "HAProxy version {}."),
        ("nginx -v", nginx.BY_PLATFORM, "nginx/{}."),
        ("keepalived -v", keepalived.BY_PLATFORM, "Keepalived v{}."),
        ("bird --version", bird.BY_PLATFORM, "BIRD version {}."),
        ("etcd --version", etcd.BY_PLATFORM, "etcd Version: {}."),
    ],
    ids=["haproxy", "nginx", "keepalived", "bird", "etcd"],
)
def test_the_release_has_that_version(
    ask: Ask, platform: Platform, command: str, table: Mapping[Platform, bird.Features], says: str
) -> None:
    assert says.format(table[platform].version) in ask(command).text


def test_whether_bird_verifies_paths(ask: Ask, platform: Platform) -> None:
    text = (
        "protocol device { }\naspa table aspas;\nfilter f { if aspa_check_upstream(aspas) = ASPA_INVALID then reject; accept; }\n"
        "protocol rpki v { aspa { table aspas; }; remote 192.0.2.53 port 323; max version 2; }\n"
    )
    reply = ask("bird -p -c /etc/test/bird.conf", {"bird.conf": text})
    assert (reply.code == 0) == bird.features(platform).aspa, reply.text


def test_whether_bird_can_be_told_which_rtr_to_speak(ask: Ask, platform: Platform) -> None:
    text = (
        "protocol device { }\nroa4 table roas4;\n"
        "protocol rpki v { roa4 { table roas4; }; remote 192.0.2.53 port 323; max version 1; }\n"
    )
    reply = ask("bird -p -c /etc/test/bird.conf", {"bird.conf": text})
    assert (reply.code == 0) == bool(bird.features(platform).rtr), reply.text


def test_what_add_server_takes(ask: Ask, platform: Platform) -> None:
    wanted = haproxy.features(platform)
    script = RUN_HAPROXY + "say 'add server api/m1 127.0.0.1:18081 id 1 weight 1 tcp-ut 300ms'"
    reply = ask(script, {"haproxy.cfg": HAPROXY})
    assert ("New server registered" in reply.text) == wanted.dynamic_tcp_ut, reply.text


def test_a_server_added_at_run_time_has_its_cookie(ask: Ask, platform: Platform) -> None:
    """The same as the file's server would have: HAProxy forms it of the address and the key."""
    script = RUN_HAPROXY + (
        "say 'add server api/m1 127.0.0.1:18081 id 1 weight 1'; say 'set server api/m1 state ready'\n"
        "curl -s -o /dev/null -D - http://127.0.0.1:18080/ | grep -i set-cookie"
    )
    added = ask(script, {"haproxy.cfg": HAPROXY}).text
    key = "    dynamic-cookie-key shop\n"
    of_file = HAPROXY.replace(key, f"{key}    server m1 127.0.0.1:18081 id 1 weight 1\n")
    script = f"{RUN_HAPROXY}curl -s -o /dev/null -D - http://127.0.0.1:18080/ | grep -i set-cookie"
    written = ask(script, {"haproxy.cfg": of_file}).text
    assert "SRV=" in written
    assert (written.strip() in added) == haproxy.features(platform).dynamic_cookie, (written, added)


def test_a_server_has_a_name_for_its_connections(ask: Ask, platform: Platform) -> None:
    config = HAPROXY + "backend named\n    server m1 127.0.0.1:18081 pool-conn-name var(txn.once)\n"
    reply = ask("haproxy -c -f /etc/test/haproxy.cfg", {"haproxy.cfg": config})
    assert (reply.code == 0) == haproxy.features(platform).conn_name, reply.text


ENDS = """
frontend ends
    bind 127.0.0.1:18082
    http-request reject if { method POST }
    http-request return status 200
frontend asks
    bind 127.0.0.1:18083
    default_backend fresh
backend fresh
    http-reuse never
    option http-server-close
    server m1 127.0.0.1:18082
"""


def test_who_is_told_502_when_a_new_connection_ends_without_an_answer(ask: Ask, platform: Platform) -> None:
    """Otherwise the client's kept connection is closed without a word, and curl asks again on a new one."""
    get, post = "-s -o /dev/null http://127.0.0.1:18083/", "-s -d a=1 -o /dev/null http://127.0.0.1:18083/"
    script = f"{RUN_HAPROXY}curl {get} --next {post} -w 'told %{{http_code}} on %{{num_connects}} new'"
    told = ask(script, {"haproxy.cfg": HAPROXY + ENDS}).text
    assert ("told 502 on 0 new" in told) == haproxy.features(platform).counts_fresh, told
    assert ("told 502 on 1 new" in told) != haproxy.features(platform).counts_fresh, told


def test_a_handshake_has_a_time_of_its_own(ask: Ask, platform: Platform) -> None:
    config = HAPROXY.replace("timeout client 5s", "timeout client 5s\n    timeout client-hs 5s")
    reply = ask("haproxy -c -q -f /etc/test/haproxy.cfg && echo taken", {"haproxy.cfg": config})
    assert ("taken" in reply.text) == haproxy.features(platform).client_hs, reply.text


BIRD = """
router id 192.0.2.1;
protocol device { scan time 1; }
protocol bfd { accept direct; strict bind; interface "*" { min rx interval 100 ms; min tx interval 100 ms; }; }
template bgp session { strict bind; free bind; bfd on; }
protocol bgp one from session { local 192.0.2.1 as 65001; neighbor 192.0.2.2 as 65002; ipv4 { import all; export none; }; }
protocol bgp six from session { local 2001:db8::1 as 65001; neighbor 2001:db8::2 as 65002; ipv6 { import all; export none; }; }
"""


def test_a_session_binds_its_own_address_even_before_that_is_there(ask: Ask) -> None:
    """Without `free bind` a protocol whose address comes later stays down for good."""
    script = """
unshare -n sh -c '
ip link set lo up; ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up
bird -f -c /etc/test/bird.conf -s /run/bird.ctl 2>/dev/null & bird=$!
until birdc -s /run/bird.ctl show status >/dev/null 2>&1; do sleep 0.05; done
ip addr add 192.0.2.1/24 dev v0; ip addr add 2001:db8::1/64 dev v0 nodad
for _ in $(seq 200); do [ $(ss -Hltn | grep -c ":179 ") = 2 ] && break; sleep 0.05; done
ss -Hltnu; kill $bird; wait $bird'
"""
    text = ask(script, {"bird.conf": BIRD}).text
    found = {tuple(line.split()[4].rsplit(":", 1)) for line in text.splitlines()}
    listening = {address for address, port in found if port == "179"}
    assert listening == {"192.0.2.1", "[2001:db8::1]"}, text
    assert not {address for address, _ in found} & {"0.0.0.0", "*", "[::]"}, text


OCSP = """
cd /etc/test && cp * /run/ && cd /run
cat > ext <<'E'
subjectAltName=DNS:www.shop.example
authorityInfoAccess=OCSP;URI:http://127.0.0.1:18888
E
key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
openssl req -x509 $key -keyout ca.key -out ca.pem -subj /CN=ca -days 2 -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature
openssl req $key -keyout leaf.key -out leaf.csr -subj /CN=www.shop.example
openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -extfile ext -out leaf.crt
cat leaf.crt ca.pem > chain.crt; cat chain.crt leaf.key > leaf.pem
printf 'V\\t%s\\t\\t%s\\tunknown\\t/CN=www.shop.example\\n' "$(date -u -d '+1 day' +%y%m%d%H%M%SZ)" \
    "$(openssl x509 -in leaf.crt -noout -serial | cut -d= -f2)" > index.txt
openssl ocsp -port 18888 -index index.txt -CA ca.pem -rkey ca.key -rsigner ca.pem -nmin 60 &
until ss -Hltn 'sport = :18888' | grep -q .; do n=$((n + 1)); test $n -lt 100 || exit 3; sleep 0.1; done
"""
STAPLED = """
for n in $(seq 60); do
    echo Q | openssl s_client -connect 127.0.0.1:18443 -servername www.shop.example -status -CAfile ca.pem > said 2>&1
    if grep -q 'OCSP Response Status: successful' said; then echo STAPLED; exit; fi
    sleep 0.1
done
"""


def test_haproxy_staples_what_the_responder_says(ask: Ask, platform: Platform) -> None:
    config = (
        HAPROXY
        + "frontend tls\n    bind 127.0.0.1:18443 ssl crt-list /run/list\n    http-request return status 200\n"
    )
    script = f"{OCSP}haproxy -W -db -f /etc/test/haproxy.cfg &\n{STAPLED}"
    files = {"haproxy.cfg": config, "list": "/run/leaf.pem [ocsp-update on] www.shop.example\n"}
    reply = ask(script, files)
    assert ("STAPLED" in reply.text) == haproxy.features(platform).ocsp_update, reply.text
    assert ("unknown ssl keyword ocsp-update" in reply.text) != haproxy.features(platform).ocsp_update


def test_nginx_staples_what_the_responder_says(ask: Ask) -> None:
    config = """
events { }
http { server {
    listen 127.0.0.1:18443 ssl;
    ssl_certificate chain.crt;
    ssl_certificate_key leaf.key;
    ssl_stapling on;
    return 200;
} }
"""
    serve = "mkdir -p /var/lib/nginx /var/log/nginx; nginx -e stderr -p /run -c /run/nginx.conf -g"
    script = f"{OCSP}{serve} 'user root; pid /run/nginx.pid;'\n{STAPLED}"
    assert "STAPLED" in ask(script, {"nginx.conf": config}).text


def test_how_nginx_wants_http2_to_be_said(ask: Ask, platform: Platform) -> None:
    certificate, key = ThrowawayCa("shop").issue(("www.shop.example",))
    server = "events { } http { server { listen 127.0.0.1:18443 ssl%s; %s ssl_certificate /etc/test/c; ssl_certificate_key /etc/test/k; } }"
    check = "mkdir -p /var/lib/nginx /var/log/nginx; nginx -e stderr -t -g 'user root; pid /run/n.pid;' -c /etc/test/nginx.conf"
    files = {"c": certificate, "k": key}
    word = ask(check, {**files, "nginx.conf": server % (" http2", "")})
    directive = ask(check, {**files, "nginx.conf": server % ("", "http2 on;")})
    newer = nginx.features(platform).http2_directive
    assert word.code == 0 and ("deprecated" in word.text) == newer, word.text
    assert (directive.code == 0) == newer, directive.text


def test_whether_keepalived_wants_its_track_files(ask: Ask, platform: Platform) -> None:
    config = 'track_file front {\n    file "/run/nowhere/front"\n}\n'
    reply = ask("keepalived -t -f /etc/test/keepalived.conf", {"keepalived.conf": config})
    assert (reply.code != 0) == keepalived.features(platform).wants_track_files, reply.text
