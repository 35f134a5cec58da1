"""Lines to HAProxy and what its replies mean, held against replies of the real one (2.6.12)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from trimtab.agent_config import PoolFile
from trimtab.daemons.haproxy import dumps, members, wire
from trimtab.daemons.haproxy.dumps import ServerState
from trimtab.daemons.haproxy.members import WantServer, difference, missing, seen, unchecked
from trimtab.daemons.haproxy.wire import Command, Outcome, judge
from trimtab.errors import BadInput, InvalidResponse, Refused

RECORDED = Path(__file__).parent / "recorded" / "haproxy"
RELEASES = ("2.6", "3.0")  # the same lines, asked in the same order
EXCHANGES: dict[str, list[tuple[str, str]]] = {
    release: [tuple(each) for each in json.loads((RECORDED / f"exchanges-{release}.json").read_text())]
    for release in RELEASES
}
SERVERS = (RECORDED / "servers.txt").read_text()
MAP = "/run/haproxy/split.map"
POOL = PoolFile(
    "api", registry="api", slots=3, options="check inter 200ms rise 1 maxconn 50", spare="api--panic"
)


def replies(line: str, release: str = "2.6") -> list[str]:
    return [reply for asked, reply in EXCHANGES[release] if asked == line]


def verdicts(line: str, release: str) -> list[str]:
    return [judge(Command(line), reply).verdict for reply in replies(line, release)]


# ---- what a reply means

DONE = [
    "set server api/m1 weight 50",
    "set server api/m1 state drain",
    "set server api/m4 state maint",
    "add server api--panic/m5 [2001:db8::5]:80 id 5 weight 7",
    "enable health api/m4",
    f"prepare map {MAP}",
    f"add map @1 {MAP} a/0/x 5",
    f"commit map @1 {MAP}",
    f"set map {MAP} a/0/x 6",
    f"clear map @3 {MAP}",
]
REFUSED = {
    "set server api/m1 weight 257": "Absolute weight can only be between 0 and 256 inclusive.",
    "set server api/m1 weight x": "Empty weight string empty or preceded by garbage",
    "set server api/m1 addr 300.1.1.1 port 5": "Invalid addr '300.1.1.1' by 'stats socket command'",
    "set server api/m1 addr 127.0.0.1 port x": (
        "no need to change the addr, problem converting port 'x' to an int by 'stats socket command'"
    ),
    "set server api/m9 addr 127.0.0.1 port 5": "No such server.",
    "set server zzz/m1 state ready": "No such backend.",
    "add server zzz/m4 127.0.0.1:19004 id 4": "No such backend.",
    "add server api/m4 127.0.0.1:19004 id 5 weight 20": "Already exists a server with the same name in backend.",
    "add server api/m5 127.0.0.1:19004 id 5 tcp-ut 300ms": "'tcp-ut' option is not accepted for dynamic server",
    "add server api/m5 127.0.0.1:19004 id 5 cookie x": "'cookie' option is not accepted for dynamic server",
    "add server api/m5 127.0.0.1:19004 id 5 resolvers x": "'resolvers' option is not accepted for dynamic server",
    "enable health api--panic/m5": "Health check was not configured on this server, cannot enable.",
    "del server zzz/m9": "No such backend.",
    "add map @1 /nowhere a 5": "Unknown map identifier. Please use #<id> or <file>.",
    f"add map @9 {MAP} a/0/x 5": "Version number in the future, please use 'prepare map' before.",
    f"set map {MAP} nokey 6": "entry not found.",
    f"commit map @7 {MAP}": "Version number out of range.",
    "bogus": "Unknown command, but maybe one of the following ones is a better match:",
}


# What 3.0 says in other words, or does where 2.6 would not.
OTHERWISE = {
    "set server api/m1 addr 300.1.1.1 port 5": "Invalid addr '300.1.1.1'",
    "set server api/m1 addr 127.0.0.1 port x": "problem converting port 'x' to an int",
    "add server api/m5 127.0.0.1:19004 id 5 cookie x": "",
    "add server api/m5 127.0.0.1:19004 id 5 resolvers x": "'id' : custom id 5 already used at (null):0 ('server m5').",
    "bogus": "Unknown command: 'bogus', but maybe one of the following ones is a better match:",
}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("line", DONE)
def test_done(line: str, release: str) -> None:
    assert verdicts(line, release) == ["done"]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("line", REFUSED)
def test_refused_with_its_reason(line: str, release: str) -> None:
    (reply,) = replies(line, release)
    reason = REFUSED[line] if release == "2.6" else OTHERWISE.get(line, REFUSED[line])
    assert judge(Command(line), reply) == Outcome(Command(line), "refused" if reason else "done", reason)


@pytest.mark.parametrize("release", RELEASES)
def test_the_same_line_means_what_its_reply_says(release: str) -> None:
    def said(line: str) -> list[str]:
        return verdicts(line, release)

    assert said("set server api/m1 addr 127.0.0.1 port 19001") == ["done", "nothing", "done"]
    assert said("set server api/m1 addr 127.0.0.1 port 19002") == ["done"]
    assert said("set server api/m1 addr 127.0.0.2 port 19002") == ["done"]
    assert said("add server api/m4 127.0.0.1:19004 id 4 weight 20 check inter 200ms") == ["done", "refused"]
    assert said("del server api/m4") == ["refused", "later", "done", "nothing"]
    assert said("del server api/m9") == ["nothing"]
    assert said(f"del map {MAP} a/0/x") == ["done", "nothing"]


@pytest.mark.parametrize("line", ["add server api/m5 192.0.2.1:80 id 5", "del server api/m5"])
def test_silence_where_something_is_always_said_is_no_success(line: str) -> None:
    assert judge(Command(line), "").verdict == "refused"


# ---- what is never sent


@pytest.mark.parametrize(
    "bad", ["a b", "a;b", "a\nb", "a\\b", "", "#1", "a'b", "é", "a\x00b", "<<", "x" * 300]
)
@pytest.mark.parametrize(
    "build",
    [
        lambda bad: wire.set_weight(bad, "m1", 1),
        lambda bad: wire.set_weight("api", bad, 1),
        lambda bad: wire.del_server("api", bad),
        lambda bad: wire.add_server("api", bad, 1, "192.0.2.1:80", 1, ""),
        lambda bad: wire.add_map(MAP, bad, "1", 1),
        lambda bad: wire.add_map(MAP, "k", bad, 1),
        lambda bad: wire.set_map(f"/{bad}" if bad else bad, "k", "1"),
        lambda bad: wire.show_servers(bad),
    ],
)
def test_hostile_words(build: Callable[[str], Command], bad: str) -> None:
    with pytest.raises(BadInput):
        build(bad)


@pytest.mark.parametrize(
    "address",
    ["192.0.2.1", "192.0.2.1:0", "192.0.2.1:70000", "192.0.2.1:8 0", "300.0.0.1:80", "name:80", "0.0.0.0:80",
     "[::]:80", "fe80::1%x;y:80", "[192.0.2.1]x:80", "192.0.2.1:٣", ":80", ""],
)  # fmt: skip
def test_addresses_that_haproxy_would_take_for_others(address: str) -> None:
    with pytest.raises(BadInput):
        wire.set_address("api", "m1", address)


@pytest.mark.parametrize("options", ["check;", "check\ninter", "'a'"])
def test_hostile_options(options: str) -> None:
    if "\n" in options:  # any blank only divides words
        assert "\n" not in wire.add_server("api", "m1", 1, "192.0.2.1:80", 1, options).line
        return
    with pytest.raises(BadInput):
        wire.add_server("api", "m1", 1, "192.0.2.1:80", 1, options)


def test_lines() -> None:
    assert wire.add_server("api", "m7", 7, "2001:DB8::7:80", 3, "check inter 1s").line == (
        "add server api/m7 [2001:db8::7]:80 id 7 weight 3 check inter 1s"
    )
    assert (
        wire.set_address("api", "m7", "[2001:db8::7]:80").line == "set server api/m7 addr 2001:db8::7 port 80"
    )
    with pytest.raises(BadInput, match="weight 257"):
        wire.set_weight("api", "m1", 257)
    with pytest.raises(BadInput, match="a command of"):
        wire.add_server("api", "m1", 1, "192.0.2.1:80", 1, "check " * 300)


def test_batches_fit_the_buffer_keep_the_order_and_part_before_what_removes() -> None:
    adding = [wire.set_weight("api", f"m{n}", 1, "add") for n in range(1, 900)]
    removing = [wire.del_server("api", f"m{n}") for n in range(1, 9)]
    batches = list(wire.batches([*adding, *removing, *adding]))
    assert [each for batch in batches for each in batch] == [*adding, *removing, *adding]
    assert all(sum(len(each.line) + 1 for each in batch) <= wire.BATCH_BYTES for batch in batches)
    assert not [b for b in batches if b[0].step == "add" and b[-1].step == "remove"]
    assert list(wire.batches([])) == []


# ---- tables


def test_servers_of_the_real_one() -> None:
    found = dumps.read_servers(SERVERS)
    assert [(each.backend, each.id, each.name) for each in found] == [
        *(("api", n, f"m{n}") for n in (1, 2, 3, 6)),
        *(("api--panic", n, f"m{n}") for n in (1, 2, 3, 5)),
    ]
    assert found[0] == ServerState(
        "api", 1, "m1", "127.0.0.1", 19001, ready=True, up=True, weight=0, maint=False, muted=True
    )
    assert found[1] == ServerState("api", 2, "m2", "0.0.0.0", 0, False, False, 1, maint=True, muted=False)
    assert found[3] == ServerState("api", 6, "m6", "2001:db8::6", 80, False, False, 7, maint=True, muted=True)
    assert found[7].muted is False


def test_a_server_that_drains_is_neither_ready_nor_in_maintenance() -> None:
    (text,) = replies("show servers state")
    one = dumps.read_servers(text)[0]
    assert (one.ready, one.maint, one.up) == (False, False, True)


@pytest.mark.parametrize(
    "text",
    ["", "2\n", "1\n", "garbage", SERVERS[2:], SERVERS.replace("srv_port", "srv_prt"), SERVERS + "1 api 2 m2\n",
     SERVERS.replace(" 19001 ", " x "), SERVERS.replace("srv_op_state srv_admin_state", "srv_admin_state srv_op_state")],
)  # fmt: skip
def test_nonsense_about_servers(text: str) -> None:
    with pytest.raises(InvalidResponse):
        dumps.read_servers(text)


def test_no_such_backend() -> None:
    with pytest.raises(Refused):
        dumps.read_servers(replies("show servers state zzz")[0])


def test_usable_members_of_the_pools_that_are_asked_for() -> None:
    row = "{},BACKEND,0,0,0,0,,0,0,0,,0,,0,0,0,0,UP,{},{},{},x,,\n"
    head = "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,bck,x,\n"
    text = head + row.format("api", 3, 2, 1) + row.format("api--panic", 9, 9, 0) + row.format("web", 0, 0, 0)
    assert dumps.read_usable(text + "\n", {"api", "web", "gone"}) == {"api": 3, "web": 0}
    with pytest.raises(InvalidResponse):
        dumps.read_usable(text.replace("api,BACKEND,0,0", "api,BACKEND"), {"api"})
    assert dumps.read_usable(text.replace("panic,BACKEND,0,0", "panic,BACKEND"), {"api"}) == {"api": 3}


def test_info() -> None:
    info = dumps.read_info(replies("show info")[0])
    assert info.version == "2.6.12-1+deb12u4" and info.pid > 1 and not info.stopping
    for text in ("", "Name: nginx\nPid: 1\n", "Name: HAProxy\nPid: x\nVersion: 1\nUptime_sec: 1\n"):
        with pytest.raises(InvalidResponse):
            dumps.read_info(text)


def test_maps() -> None:
    full, empty = replies(f"show map {MAP}")
    assert dumps.read_map(full) == {"shop/0/api": "9000", "shop/0/api-next": "10000"}
    assert dumps.read_map(empty) == {}
    assert dumps.read_version(replies(f"prepare map {MAP}")[0]) == 1
    with pytest.raises(Refused):
        dumps.read_map(replies("show map /nowhere")[0])
    with pytest.raises(Refused):
        dumps.read_version(replies("prepare map /nowhere")[0])
    with pytest.raises(InvalidResponse):
        dumps.read_map("what\n")
    with pytest.raises(InvalidResponse):
        dumps.read_version("New version created: x\n")


# ---- what has to be said


def state(number: int, backend: str = "api", **other: object) -> ServerState:
    found = ServerState(backend, number, f"m{number}", f"192.0.2.{number}", 80, True, True, 100, False, False)
    return found._replace(**other)  # type: ignore[arg-type]


def both(*states: ServerState) -> members.Have:
    return seen([*states, *(each._replace(backend="api--panic", muted=False) for each in states)])


def lines(want: list[WantServer], have: members.Have, pool: PoolFile = POOL) -> list[str]:
    return [command.line for command in difference(want, have, pool)]


def server(number: int, weight: int = 100, ready: bool = True) -> WantServer:
    return WantServer(number, f"192.0.2.{number}:80", weight, ready)


FREE = state(2, address="0.0.0.0", port=0, ready=False, up=False, maint=True, weight=1)


def test_nothing_to_say() -> None:
    six = state(3, address="2001:db8::3")
    have = both(state(1), FREE, six, state(7, ready=False, maint=True))
    want = [server(1), WantServer(3, "[2001:DB8::3]:80"), server(7, ready=False)]
    assert lines(want, have) == []
    assert lines([want[0], WantServer(3, "2001:db8::3:80"), want[2]], have) == []


def test_a_free_slot_is_filled_before_it_is_ready() -> None:
    assert lines([server(1), server(2, 30)], both(state(1), FREE)) == [
        f"set server {backend}/m2 {what}"
        for backend in ("api", "api--panic")
        for what in ("addr 192.0.2.2 port 80", "weight 30", "state ready")
    ]


def test_beyond_the_slots_a_dynamic_server_whose_spare_has_no_check() -> None:
    assert lines([server(1), server(9, 5)], both(state(1))) == [
        "add server api/m9 192.0.2.9:80 id 9 weight 5 check inter 200ms rise 1 maxconn 50",
        "enable health api/m9",
        "set server api/m9 state ready",
        "add server api--panic/m9 192.0.2.9:80 id 9 weight 5 maxconn 50",
        "set server api--panic/m9 state ready",
    ]
    assert lines([server(1), server(9, ready=False)], both(state(1)))[-1].startswith(
        "add server api--panic/m9"
    )


def test_what_began_and_was_cut_short_is_completed() -> None:
    half = both(state(9, muted=True, ready=False, maint=True, up=False))
    assert lines([server(9)], half) == [
        "enable health api/m9",
        "set server api/m9 state ready",
        "set server api--panic/m9 state ready",
    ]


def test_an_address_in_use_changes_in_maintenance() -> None:
    assert lines(
        [WantServer(1, "198.51.100.1:8080", 90)], seen([state(1)]), dataclasses.replace(POOL, spare="")
    ) == [
        "set server api/m1 state maint",
        "set server api/m1 addr 198.51.100.1 port 8080",
        "set server api/m1 weight 90",
        "set server api/m1 state ready",
    ]


def test_the_operators_hand() -> None:
    assert lines([server(1, ready=False)], both(state(1))) == [
        "set server api/m1 state maint",
        "set server api--panic/m1 state maint",
    ]
    assert lines([server(1, 0)], both(state(1)))[0] == "set server api/m1 weight 0"
    drained = both(state(1, ready=False))
    assert lines([server(1)], drained)[0] == "set server api/m1 state ready"
    assert lines([server(1, ready=False)], drained)[0] == "set server api/m1 state maint"
    moved = [WantServer(1, "198.51.100.1:80", 100, False)]
    assert lines(moved, both(state(1)))[:2] == [
        "set server api/m1 state maint",
        "set server api/m1 addr 198.51.100.1 port 80",
    ]


def test_capacity_comes_before_it_goes() -> None:
    have = both(state(1), FREE, state(3, weight=10), state(8), state(9))
    want = [server(1, 50), server(2), server(3, 60), WantServer(8, "198.51.100.8:80"), server(12)]
    found = difference(want, have, POOL)
    kinds = []
    for command in found:
        words = command.line.split()
        kinds.append(words[0] if words[0] != "set" else f"{words[2].split('/')[1]} {' '.join(words[3:5])}")
    order = [
        "m2 state ready", "add", "m3 weight 60", "m8 state maint", "m8 state ready", "m1 weight 50",
        "m9 state maint", "del",
    ]  # fmt: skip
    first = [kinds.index(each) for each in order]
    last = [len(kinds) - 1 - kinds[::-1].index(each) for each in order]
    assert first == sorted(first) and last[1] < first[2] and last[4] < first[5] < first[6]
    assert {c.step for c in found if "m9" in c.line} == {"remove"}


def test_only_what_no_slot_stands_for_is_deleted() -> None:
    assert lines([], seen([state(3), state(4)]), POOL) == [
        "set server api/m3 state maint",
        "set server api/m4 state maint",
        "del server api/m4",
    ]
    gone = seen([state(3, ready=False, maint=True), state(4, ready=False, maint=True)])
    assert lines([], gone) == ["del server api/m4"]
    assert lines([], gone, dataclasses.replace(POOL, dynamic=False)) == []


def test_a_pool_of_the_file_only_knows_weights_and_states() -> None:
    fixed = PoolFile("api", spare="api--panic")
    have = both(state(1, name="hk-web-1"), state(2, name="hk-web-2"))
    assert lines([server(1)], have, fixed) == []
    assert lines([WantServer(1, "", 5), server(7), server(2, ready=False)], have, fixed) == [
        "set server api/hk-web-1 weight 5",
        "set server api/hk-web-2 state maint",
        "set server api--panic/hk-web-1 weight 5",
        "set server api--panic/hk-web-2 state maint",
    ]
    assert missing([server(1), server(7)], have, fixed) == (7,)


def test_what_only_a_reload_brings() -> None:
    rigid = dataclasses.replace(POOL, dynamic=False)
    assert lines([server(1), server(9)], both(state(1)), rigid) == []
    assert missing([server(1), server(9)], both(state(1)), rigid) == (9,)
    assert missing([server(1), server(9)], both(state(1)), POOL) == ()
    assert missing([server(1)], seen([state(1)]), rigid) == (1,)


def test_options_without_those_of_checks() -> None:
    options = (
        "check inter 2s fastinter 300ms downinter 1s fall 2 rise 1 observe layer4 error-limit 2 on-error mark-down "
        "slowstart 5s maxconn 9 agent-check agent-port 5 proto h2"
    )
    assert unchecked(options) == "slowstart 5s maxconn 9 proto h2"
    assert unchecked("") == ""
