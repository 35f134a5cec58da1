"""What the arbiter and the quorum of observers did, as `trimtab status` and the commands themselves told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from trimtab.drills.checkers.conduct import Conduct, Doubts, Seen
from trimtab.ops.arbiter.world import AUTOMATIC

REFUSALS = (1, 3)  # the answer is no; nobody can be asked. 2: what was asked made no sense
LIVES = "the command"  # who has the drain in hand: without it, nothing is committed


class SiteConduct(Conduct):
    """stays-serving: the quorum's verdict is `serving` and nothing is steered, though a vantage point says otherwise.

    not-taken: the quorum says that the site does not serve, and nothing is steered all the same. Either is shown only
    where somebody was seen to say that it does not.

    taken: agents have drained that site and no other, and nothing is steered afterwards.
    """

    name = "site"
    probe = "arbiter"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        for when, seen in (("before", before), ("during", during), ("after", after)):
            taken = when == "during" and wanted == "taken"
            yield from _taken(seen) if taken else _steered(when, seen)
            row = seen.get("site")
            if row is None:
                doubts.append(f"nobody said how the site stood {when} the fault")
            elif taken:
                pass  # who is not announced answers nobody
            elif when == "during" and wanted == "not-taken":
                _is_down(row, doubts)
            elif row["verdict"] != "serving" and when == "before":
                doubts.append(f"the site was not known to serve before the fault: {_reasons(row)}")
            elif row["verdict"] != "serving":
                yield f"{when} the fault the verdict is {row['verdict']}: {_reasons(row)}"
            elif when == "during":
                _is_contradicted(row, told, doubts)


def _steered(when: str, seen: Seen) -> Iterator[str]:
    for site, step in seen.get("steps", {}).items():
        if step != "serve":
            yield f"{when} the fault the step of {site} is {step}"


def _taken(seen: Seen) -> Iterator[str]:
    row = seen.get("site")
    if row is None:
        return
    if row["step"] != "withdraw":
        yield f"agents have not drained it: its step is {row['step']}, the verdict {row['verdict']}: {_reasons(row)}"
    elif not row["drained"] or row["drained"]["by"] != AUTOMATIC:
        yield f"it was not drained by agents: {row['word']}"
    away = [site for site, step in seen.get("steps", {}).items() if step != "serve"]
    if len(away) > 1:
        yield f"more than one site was taken away: {', '.join(away)}"


def _is_down(row: Seen, doubts: Doubts) -> None:
    if row["verdict"] not in ("unreachable", "unhealthy"):
        doubts.append(f"the verdict was {row['verdict']}: no quorum said that the site does not serve")


def _is_contradicted(row: Seen, told: Seen, doubts: Doubts) -> None:
    blind = told.get("vantage", ())
    if not any(reason.startswith(f"{each}:") for each in blind for reason in row["reasons"]):
        doubts.append(
            f"nobody of {', '.join(blind) or 'the others'} was seen to say that the site does not serve"
        )


class DrainConduct(Conduct):
    """done: it is drained while the fault lasts.  refused: nothing was begun, by the rule that was expected.  one-of-two: one
    is granted, the other told why not.  whole: each came to its end or to nothing, and to nothing without its command.

    Afterwards the site is announced in each of them, and known to serve in all but `refused`.
    """

    name = "drain"
    probe = "arbiter"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        judges: Mapping[str, Callable[[Seen, Seen, Doubts], Iterator[str]]] = {
            "done": _done, "refused": _refused, "one-of-two": _one_of_two, "whole": _whole,
        }  # fmt: skip
        yield from judges[wanted](told, during, doubts)
        yield from _steered("after", after)
        row = after.get("site")
        if row is None:
            doubts.append("nobody said how the site stood after the fault")
        elif wanted != "refused" and row["verdict"] == "unknown":
            doubts.append(f"whether the site serves at the end is not known: {_reasons(row)}")
        elif wanted != "refused" and row["verdict"] != "serving":
            yield f"at the end the site is {row['verdict']}: {_reasons(row)}"


def _reasons(row: Seen) -> str:
    return "; ".join(row["reasons"]) or "nobody said why"


def _done(told: Seen, during: Seen, doubts: Doubts) -> Iterator[str]:
    row = during.get("site")
    if not told.get("done"):
        yield f"the site was not drained: {told.get('why', 'nobody asked for it')}"
    elif row is None:
        doubts.append("nobody said how the site stood while it was drained")
    elif row["step"] != "withdraw":
        yield f"while it was drained its step is {row['step']}: {row['word']}"


def _refused(told: Seen, during: Seen, doubts: Doubts) -> Iterator[str]:
    asked = told.get("drain")
    if asked is None:
        doubts.append("nobody asked for a drain")
        return
    yield from _refusal(asked, doubts)
    expected = asked.get("expected")
    if expected and asked["exit"] in REFUSALS and expected not in asked["rules"]:
        yield f"{asked['host']} was refused without the rule {expected}: {asked['said']}"


def _refusal(asked: Mapping[str, Any], doubts: Doubts) -> Iterator[str]:
    """Of one that should have been refused."""
    host, code = asked["host"], asked["exit"]
    if code is None:
        yield f"{host} got no answer: {asked['said']}"
    elif code == 0:
        yield f"{host} was granted what should have been refused"
    elif code not in REFUSALS:
        doubts.append(f"{host}: the command ended with {code}: {asked['said']}")
    if asked["moves"]:
        yield f"{host} was refused after it had begun: {', '.join(asked['moves'])}"


def _one_of_two(told: Seen, during: Seen, doubts: Doubts) -> Iterator[str]:
    drains = told.get("drains", ())
    if len(drains) != 2:
        doubts.append(f"{len(drains)} drains were asked for, not two")
        return
    granted = [each for each in drains if each["done"]]
    if len(granted) != 1:
        said = "; ".join(f"{each['site']}: {each['said']}" for each in drains)
        yield f"{len(granted)} of two drains at once were granted: {said}"
        return
    for each in drains:
        if not each["done"]:
            yield from _refusal(each, doubts)
            if each["exit"] in REFUSALS and not each["rules"]:
                yield f"{each['host']} was refused and not told by which rule: {each['said']}"
    yield from _left(granted[0]["site"], told.get("routes", {}), doubts)


def _left(site: str, routes: Mapping[str, Any], doubts: Doubts) -> Iterator[str]:
    heard = [
        (prefix, name, since)
        for prefix, ups in routes.get(site, {}).items()
        for name, since in ups.items()
    ]  # fmt: skip
    if not heard:
        doubts.append(f"no upstream was asked about {site}")
    for prefix, name, since in heard:
        if since is None:
            doubts.append(f"{name} gave no answer about {prefix}")
        elif since:
            yield f"{name} still hears {prefix} from {site}, which is drained"


def _whole(told: Seen, during: Seen, doubts: Doubts) -> Iterator[str]:
    cases = told.get("cases", ())
    if not cases:
        doubts.append("no drain was disturbed")
    for case in cases:
        what = f"{case['victim']}, lost after `{case['step']}`"
        if case["came_to"] not in ("done", "undone"):
            yield f"{what}: {case['seconds']:g} s later the drain is neither done nor undone"
        elif case["who"] == LIVES and case["came_to"] == "done" and "commits" not in case["told"]:
            yield f"{what}: the drain was done without the command that had it in hand"
        if not case.get("whole", True):
            yield f"{what}: the estate was not whole again, {case['came_to']} as the drain was"
