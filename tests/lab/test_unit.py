"""Unit files: what they mean, and what is refused with file and line."""

from __future__ import annotations

from collections import deque

import pytest

from trimtab.errors import BadInput
from trimtab.lab.command import Command, parse_command
from trimtab.lab.restart import allowed, outcome, wants_restart
from trimtab.lab.unit import Unit, parse
from trimtab.lab.unit_file import Directory, seconds


def read(service: str, section: str = "Service") -> Unit:
    return parse(f"[{section}]\n{service}\n", "web.service", path="unit", host="hk-proxy-1")


def start(line: str) -> Command:
    return read(f"ExecStart={line}").start[0]


def test_a_whole_unit() -> None:
    text = """\
# a comment
[Unit]
Description=HAProxy %% in front
After=network.target
StartLimitBurst=3
StartLimitIntervalSec=1min

[Service]
Type=notify
User=haproxy
Environment="CONFIG=/etc/haproxy/haproxy.cfg" "TWO=a b"
ExecStartPre=/usr/sbin/haproxy -c -f $CONFIG
ExecStartPre=-/bin/false
ExecStart=/usr/sbin/haproxy -Ws \\
    -f $CONFIG
ExecStopPost=+/usr/local/lib/trimtab/hook down
Restart=on-failure
RestartSec=250ms
TimeoutSec=5
TimeoutStartSec=infinity
KillMode=mixed
KillSignal=SIGUSR1
LimitNOFILE=1024:4096
UMask=0027
RuntimeDirectory=haproxy %N/x
RuntimeDirectoryMode=0700
StateDirectory=haproxy
[Install]
WantedBy=multi-user.target
"""
    unit = parse(text, "haproxy.service")
    assert unit.type == "notify" and unit.kill_mode == "mixed" and unit.kill_signal == "SIGUSR1"
    assert unit.start_pre == (
        Command(("/usr/sbin/haproxy", "-c", "-f", "$CONFIG")),
        Command(("/bin/false",), may_fail=True),
    )
    assert unit.start == (Command(("/usr/sbin/haproxy", "-Ws", "-f", "$CONFIG")),)
    assert unit.stop_post == (Command(("/usr/local/lib/trimtab/hook", "down")),)
    assert unit.environment == (("CONFIG", "/etc/haproxy/haproxy.cfg"), ("TWO", "a b"))
    assert (unit.restart, unit.restart_s, unit.timeout_start_s, unit.timeout_stop_s) == (
        "on-failure",
        0.25,
        None,
        5,
    )
    assert (unit.limit_nofile, unit.umask) == (1024, 0o027)
    assert unit.runtime == (Directory("/run/haproxy", 0o700), Directory("/run/haproxy/x", 0o700))
    assert unit.state == (Directory("/var/lib/haproxy", 0o755),)
    assert (unit.start_limit_burst, unit.start_limit_interval_s) == (3, 60)
    assert unit.ignored == ("Description", "User", "WantedBy") and unit.after == ("network.target",)


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("/bin/sh -c 'echo \"a  b\"; exit'", ("/bin/sh", "-c", 'echo "a  b"; exit')),
        ('/bin/echo "it\'s" a\\ b', ("/bin/echo", "it's", "a b")),
        ("/bin/echo # no comment", ("/bin/echo", "#", "no", "comment")),
        (
            "/bin/echo %n %N %H %t %% end",
            ("/bin/echo", "web.service", "web", "hk-proxy-1", "/run", "%", "end"),
        ),
        ("!/bin/true", ("/bin/true",)),
    ],
)
def test_command_lines(line: str, argv: tuple[str, ...]) -> None:
    assert start(line).argv == argv


def test_variables_are_replaced_when_the_command_runs() -> None:
    command = parse_command("/bin/x $TWO ${TWO} pre-${ONE} $NONE $$HOME a$ONE")
    assert command.expand({"ONE": "1", "TWO": "a b"}) == [
        "/bin/x",
        "a",
        "b",
        "a b",
        "pre-1",
        "$HOME",
        "a$ONE",
    ]


def test_an_empty_assignment_forgets_those_before() -> None:
    assert read("ExecStart=/bin/a\nExecStart=\nExecStart=/bin/b").start == (Command(("/bin/b",)),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[Service]\nExecStart=/bin/true\nSockets=x", "unit:3: the twin does not know Sockets= in [Service]"),
        ("[Timer]\nOnCalendar=daily", "unit:1: section [Timer] is not known"),
        ("[Service]\nExecStart", "unit:2: 'ExecStart' is not NAME=VALUE inside a section"),
        ("ExecStart=/bin/true", "unit:1: 'ExecStart=/bin/true' is not NAME=VALUE inside a section"),
        ("[Service]\nExecStart=/bin/echo %Z", "unit:2: the specifier %Z is not known"),
        ("[Service]\nExecStart=/bin/echo 50%", "unit:2: the specifier % is not known"),
        ("[Service]\nExecStart=@/bin/true", "unit:2: ExecStart: the prefix '@' is not supported"),
        ("[Service]\nExecStart=/bin/a ; /bin/b", "unit:2: ExecStart: several commands on one line"),
        ("[Service]\nExecStart=$PROGRAM", "unit:2: ExecStart: the program itself cannot be a variable"),
        ("[Service]\nExecStart=/bin/a 'b", "unit:2: ExecStart: No closing quotation"),
        ("[Service]\nExecStart=/bin/true\nType=forking", "unit:3: Type=forking is not supported"),
        ("[Service]\nExecStart=/bin/true\nRestartSec=soon", "unit:3: RestartSec: 'soon' is no time span"),
        ("[Service]\nExecStart=/bin/true\nLimitNOFILE=many", "unit:3: LimitNOFILE=many is no number"),
        ("[Service]\nExecStart=/bin/true\nUMask=9", "unit:3: UMask=9 is no number of base 8"),
        ("[Service]\nExecStart=/bin/true\nKillSignal=SIGWHAT", "unit:3: KillSignal=SIGWHAT is no signal"),
        (
            "[Service]\nExecStart=/bin/true\nStateDirectory=../etc",
            "unit:3: StateDirectory=../etc is not a path",
        ),
        ("[Service]\nExecStart=/bin/true\nEnvironment=1A=x", "unit:3: Environment: '1A=x' is not NAME=VALUE"),
        ("[Service]\nType=exec", "unit: 0 ExecStart= lines"),
        ("[Service]\nExecStart=/bin/a\nExecStart=/bin/b", "unit: 2 ExecStart= lines"),
    ],
)
def test_refusals_name_file_and_line(text: str, words: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(text, "web.service", path="unit")
    assert refused.value.message.startswith(words)


def test_order_is_told_by_either_side() -> None:
    first = parse("[Unit]\nBefore=c.service\n[Service]\nExecStart=/bin/a\n", "a.service")
    second = parse("[Unit]\nAfter=a.service b.service\n[Service]\nExecStart=/bin/b\n", "b.service")
    third = parse("[Service]\nExecStart=/bin/c\n", "c.service")
    assert second.starts_after(first) and third.starts_after(first)
    assert (
        not first.starts_after(second) and not second.starts_after(second) and not third.starts_after(second)
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("100ms", 0.1), ("1min 30s", 90), ("2h", 7200), ("0", 0), ("infinity", None)],
)
def test_time_spans(text: str, value: float | None) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("code", "ended"),
    [(0, "clean"), (1, "exit"), (-15, "clean"), (-9, "signal"), (None, "timeout"), (143, "clean")],
)
def test_how_a_run_ended(code: int | None, ended: str) -> None:
    assert outcome(code, ("143",)) == ended


def test_restart_policies() -> None:
    assert wants_restart("always", "clean") and wants_restart("on-failure", "signal")
    assert not wants_restart("on-failure", "clean") and not wants_restart("no", "exit")
    assert wants_restart("on-abnormal", "timeout") and not wants_restart("on-abnormal", "exit")


def test_the_start_limit_counts_starts_within_the_interval() -> None:
    starts: deque[float] = deque(maxlen=2)
    assert [allowed(starts, at, 10) for at in (0, 1, 2, 11)] == [True, True, False, True]
    assert all(allowed(starts, 12, 0) for _ in range(9))
