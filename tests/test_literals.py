"""Who has to know what a host does, or how its engine is asked, asks by duty or by what a room says, never by a name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import trimtab
from trimtab.daemons.table import OURS as DAEMONS
from trimtab.estate.roles import OURS as ROLES

ROOT = Path(trimtab.__file__).parent
OWN = {
    "agent",
    "front",
    "curl",
}  # the first two are Trimtab's own programs, and a command line has the third as its program
NAMES = (set(ROLES.known) | {daemon.name for daemon in DAEMONS}) - OWN
NAMES |= {f"{name}.service" for name in NAMES}

# Where they are at home: the roles and keys themselves, the rooms, the workload, rules about one of them.
HOMES = ("estate/", "daemons/", "storefront/", "checks/rules/")

# Where the word is something else, or the place is the one line that an engine has there: (file, words, why).
ELSEWHERE: tuple[tuple[str, set[str], str], ...] = (
    (
        "agent/proxy/engines.py",
        {"haproxy", "nginx"},
        "the table of the agent's controllers, a line an engine",
    ),
    ("agent/proxy/haproxy.py", {"haproxy"}, "the name of that engine's own controller in logs and metrics"),
    ("agent/proxy/nginx.py", {"nginx"}, "the name of that engine's own controller in logs and metrics"),
    ("registry/engines.py", {"etcd", "consul"}, "the table of the registries' clients, a line an engine"),
    (
        "lab/consul.py",
        {"consul", "consul.service", "dns"},
        "the program which the twin brings for that engine, its folder and a key of its file",
    ),
    (
        "lab/clients.py",
        {"bird.service"},
        "a network around the estate speaks BGP, which is the twin's own choice",
    ),
    (
        "lab/transit.py",
        {"bird.service", "bird", "frr"},
        "a network around the estate speaks BGP, which is the twin's own choice",
    ),
    ("drills/scene.py", {"bird"}, "what a network around the estate runs"),
    ("lab/facts.py", {"bird", "bird.service"}, "what a network around the estate runs"),
    ("lab/exchange.py", {"bird.service"}, "a route server speaks BGP, which is the twin's own choice"),
    ("lab/route_server.py", {"bird"}, "a verb of arouteserver: whose configuration it makes"),
    ("agent/agent.py", {"registry"}, "a key of the status"),
    ("agent/membership/saver.py", {"store"}, "a loop's name and its key: it stores the membership"),
    ("agent/proxy/part.py", {"store"}, "the key of that loop"),
    ("delivery/switch.py", {"sysctl"}, "how a file is taken up: by the program of that name"),
    ("delivery/take.py", {"sysctl"}, "the program"),
    ("checks/subject.py", {"sysctl"}, "a key of the estate"),
    ("checks/capacity.py", {"proxy"}, "which limit is the least: an English word of the finding"),
    ("checks/predicted.py", {"proxy"}, "who a term of the budget is about"),
    ("drills/checkers/conduct.py", {"store"}, "a witness's name"),
    ("drills/report/rows.py", {"store"}, "a witness's name"),
    ("drills/probes/__init__.py", {"store"}, "a witness's name"),
    ("drills/faults/", {"backend"}, "a place that scenarios name: one member's host"),
    ("drills/owners.py", {"monitor"}, "a verb of a program"),
    ("lab/node.py", {"cache"}, "a folder"),
    ("drills/load/response.py", {"backend"}, "a slot: who answered"),
)


def test_no_role_and_no_engine_is_known_by_name_outside_its_home() -> None:
    found = [f"{path}:{line} {word!r}" for path, line, word in _literals() if not _elsewhere(path, word)]
    assert not found, "ask by duty (estate/roles.py), or let the room say it (daemons/serving.py, base.py)"


def test_what_is_allowed_is_there() -> None:
    seen = {(path, word) for path, _, word in _literals()}
    stale = [
        (place, word)
        for place, words, _ in ELSEWHERE
        for word in words
        if not any(path.startswith(place) and word == each for path, each in seen)
    ]
    assert not stale


def _elsewhere(path: str, word: str) -> bool:
    return any(path.startswith(place) and word in words for place, words, _ in ELSEWHERE)


def _literals() -> Iterator[tuple[str, int, str]]:
    for file in sorted(ROOT.rglob("*.py")):
        path = file.relative_to(ROOT).as_posix()
        if path.startswith(HOMES):
            continue
        tree = ast.parse(file.read_text())
        asked = {id(each) for node in ast.walk(tree) for each in _by_duty(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node.value in NAMES and id(node) not in asked:
                yield path, node.lineno, str(node.value)


def _by_duty(node: ast.AST) -> list[ast.expr]:
    """Duties that a host is asked for: `registry` and `store` are also roles. And whom a term of the budget is about."""
    if not isinstance(node, ast.Call):
        return []
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("on_duty", "does"):
        return node.args
    return node.args[:1] if isinstance(node.func, ast.Name) and node.func.id == "Term" else []
