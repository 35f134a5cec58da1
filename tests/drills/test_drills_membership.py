"""Members that lost their disks: what etcdctl says of them, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from drills_kit import history
from drills_paper_kit import PaperTwin, scene

from trimtab.drills.checkers.membership import MembershipConduct
from trimtab.drills.faults import FAULTS
from trimtab.drills.faults.reinstall import roles
from trimtab.drills.probes.membership import judge
from trimtab.drills.verdict import Claims, Verdict

# `etcdctl member list -w json` of 3.4.23 and, with isLearner, of 3.5.16.
REPLY = (
    '{"header":{"cluster_id":14841639068965178418,"member_id":10276657743932975437,"raft_term":2},"members":['
    '{"ID":10276657743932975437,"name":"hk-orders-1","peerURLs":["http://10.1.129.10:2380"],"clientURLs":["http://10.1.129.10:2379"]},'
    '{"ID":2,"name":"sg-orders-1","peerURLs":["http://10.2.129.10:2380"],"clientURLs":["http://10.2.129.10:2379"]},'
    '{"ID":3,"name":"","peerURLs":["http://10.3.129.10:2380"]}]}\n'
)
WARNING = "a warning of the client\n"
HOSTS = ("hk-orders-1", "sg-orders-1", "la-orders-1")


def test_a_reply_tells_the_members_own_number_and_who_votes() -> None:
    assert judge(WARNING + REPLY, True) == {
        "id": "8e9e05c52164694d", "healthy": True, "voters": ["hk-orders-1", "sg-orders-1"], "others": 1,
    }  # fmt: skip
    learner = REPLY.replace('"ID":2,', '"ID":2,"isLearner":true,')
    assert judge(learner, False) == {
        "id": "8e9e05c52164694d", "healthy": False, "voters": ["hk-orders-1"], "others": 2,
    }  # fmt: skip
    assert judge(None, False) is None
    assert judge("Error: context deadline exceeded\n", False) is None


def look(**changed: Any) -> dict[str, Any]:
    """Of one cluster, all well; changed: of hk-orders-1."""
    rows = {
        host: {"id": f"{n}", "healthy": True, "voters": sorted(HOSTS), "others": 0}
        for n, host in enumerate(HOSTS)
    }
    return {"orders": {**rows, HOSTS[0]: {**rows[HOSTS[0]], **changed}}}


def judged(before: Any, during: Any, after: Any, away: float | None = 4.0) -> Verdict:
    evidence = {
        when: {"membership": seen}
        for when, seen in (("before", before), ("during", during), ("after", after))
    }
    told = {HOSTS[0]: {"orders": away}}
    return MembershipConduct().check(
        history(evidence={**evidence, "told": told}), Claims(conduct={"membership": "rejoins"})
    )


NEW = look(id="9")


def test_a_member_that_is_one_again_is_true() -> None:
    assert judged(look(), NEW, NEW).value == "true"


@pytest.mark.parametrize(
    ("during", "after", "away", "reason"),
    [
        (NEW, NEW, 21.0, "back after 21 s"),
        (NEW, NEW, None, "not back, 20 s are the limit"),
        (look(), look(), 4.0, "under the number 0 that it had before"),
        (look(id="9", healthy=False), NEW, 4.0, "is not healthy after it"),
        (NEW, look(id="9", healthy=False), 4.0, "is not healthy at the end"),
        (look(id="9", voters=["sg-orders-1"]), NEW, 4.0, "knows it after it"),
        (NEW, look(id="9", others=1), 4.0, "1 do not"),
        ({"orders": {**NEW["orders"], HOSTS[1]: None}}, NEW, 4.0, "sg-orders-1 gives no answer after it"),
    ],
)
def test_what_is_wrong_with_it(during: Any, after: Any, away: float | None, reason: str) -> None:
    verdict = judged(look(), during, after, away)
    assert verdict.value == "false"
    assert any(reason in each for each in verdict.reasons), verdict.reasons


def test_what_was_not_seen_before_is_unknown() -> None:
    assert judged({"orders": {**look()["orders"], HOSTS[2]: None}}, NEW, NEW).value == "unknown"
    assert judged({}, NEW, NEW).value == "unknown"


def test_a_cluster_of_one_begins_anew_under_its_number() -> None:
    one = {"orders": {HOSTS[0]: {"id": "0", "healthy": True, "voters": [HOSTS[0]], "others": 0}}}
    assert judged(one, one, one).value == "true"


def test_it_aims_at_a_registry_host_and_at_the_sites_member_of_the_store(tmp_path: Any) -> None:
    aim = FAULTS["reinstall"].aim(PaperTwin(tmp_path), scene(), {"site": "hk"}, "members")
    assert aim.nodes == ("hk-registry-1", "hk-orders-1")
    assert [role.unit for role in roles(scene(), "hk-registry-1")] == [
        "etcd-registry.service",
        "etcd-estate.service",
    ]
    assert [role.unit for role in roles(scene(), "hk-orders-1")] == ["etcd-orders.service"]
