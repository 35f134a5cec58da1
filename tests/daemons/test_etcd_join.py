"""What a member without a log makes of what the others say: pure, with the answers made up."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from trimtab.daemons import pki
from trimtab.daemons.template import fill

URLS = {name: f"http://10.0.0.{n}:2380" for n, name in enumerate(("a", "b", "c", "d", "e"), 1)}


@pytest.fixture
def hook() -> ModuleType:
    files = {"ca": pki.CA, "certificate": pki.CERTIFICATE, "key": pki.KEY, "password": pki.ROOT_PASSWORD}
    module = ModuleType("etcd_join")
    exec(compile(fill("etcd/etcd-join.py.j2", pki=files), "etcd-join", "exec"), module.__dict__)
    return module


def member(hook: ModuleType, names: str) -> Any:
    """Of a cluster of so many; `a` is the one that asks."""
    return hook.Member(
        {
            "name": "a",
            "initial-cluster": ",".join(f"{name}={URLS[name]}" for name in names),
            "initial-advertise-peer-urls": URLS["a"],
            "advertise-client-urls": "http://10.0.0.1:2379",
        }
    )


def row(name: str, *, begun: bool = True, number: int = 1) -> dict[str, Any]:
    clients = [URLS[name].replace("2380", "2379")] if begun else []
    return {"ID": str(number), "name": name, "peerURLs": [URLS[name]], "clientURLs": clients}


def decided(hook: ModuleType, names: str, answers: dict[str, Any]) -> Any:
    """answers: by name a list of members, "refused" or "silent"."""
    kinds = {"refused": hook.Refused("nothing listens"), "silent": hook.Wait("timed out")}
    hook.__dict__["look"] = lambda _: {
        URLS[name]: kinds[answer] if isinstance(answer, str) else answer for name, answer in answers.items()
    }
    hook.__dict__["rejoin"] = lambda _, clients: clients
    try:
        return hook.state(member(hook, names))[0]
    except hook.Wait:
        return "wait"


@pytest.mark.parametrize(
    ("names", "answers", "expected"),
    [
        ("a", {}, "new"),
        ("ab", {"b": "refused"}, "new"),
        ("ab", {"b": "silent"}, "wait"),
        ("abc", {"b": "refused", "c": "silent"}, "new"),
        ("abc", {"b": "silent", "c": "silent"}, "wait"),
        ("abcde", {"b": "refused", "c": "refused", "d": "silent", "e": "silent"}, "new"),
        ("abcde", {"b": "refused", "c": "silent", "d": "silent", "e": "silent"}, "wait"),
        # the others have begun and wait for one more: it was named, and never told where it is asked
        ("abc", {"b": [row("a", begun=False), row("b"), row("c")], "c": "silent"}, "new"),
        ("ab", {"b": [row("a", begun=False), row("b", begun=False)]}, "new"),
        # it was one of them
        ("abc", {"b": [row("a"), row("b"), row("c")], "c": "silent"}, "existing"),
        # one of the others is late: the cluster itself is asked
        ("abc", {"b": [row("a", begun=False), row("b")], "c": [row("a"), row("b"), row("c")]}, "existing"),
        # removed before, or added and not begun
        ("abc", {"b": [row("b"), row("c")], "c": "refused"}, "existing"),
        (
            "abc",
            {"b": [{**row("a", begun=False), "name": ""}, row("b"), row("c")], "c": "silent"},
            "existing",
        ),
    ],
)
def test_how_a_member_begins(hook: ModuleType, names: str, answers: dict[str, Any], expected: str) -> None:
    assert decided(hook, names, answers) == expected


@pytest.mark.parametrize(
    ("names", "well", "fine"),
    [
        ("ab", "b", False),
        ("abc", "bc", True),
        ("abc", "b", False),
        ("abcde", "bcd", True),
        ("abcde", "bc", False),
    ],
)
def test_the_others_keep_their_majority(hook: ModuleType, names: str, well: str, fine: bool) -> None:
    """Well are those without which nothing could be decided once it is a member again."""

    def ask(url: str, path: str, body: object = None, token: str = "") -> Any:
        if any(URLS[name].replace("2380", "2379") == url for name in well):
            return {"health": "true"}
        raise hook.Refused(url)

    hook.__dict__["ask"] = ask
    cluster = hook.Cluster("http://10.0.0.2:2379", member(hook, names))
    members = [row(name) for name in names]
    if fine:
        cluster.check_majority(members)
    else:
        with pytest.raises(hook.Wait, match="have to be before one is replaced"):
            cluster.check_majority(members)


def test_the_cluster_is_told_as_it_is(hook: ModuleType) -> None:
    """Who was just added has no name yet, and who is no longer in the file still counts."""
    cluster = hook.Cluster("http://10.0.0.2:2379", member(hook, "abc"))
    rows = [{**row("a", begun=False), "name": ""}, row("b"), row("c"), row("d")]
    assert cluster.written(rows) == ",".join(f"{name}={URLS[name]}" for name in "abcd")
