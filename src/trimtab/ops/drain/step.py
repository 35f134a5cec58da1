"""The next move of a drain, from what is read now: level-triggered, so that it does not matter where the last one was lost.

Every answer of the store may be missing, late or wrong about whether a write was done. So nothing is concluded from having
written: what was done is what is read. Before each move the arbiter has judged the world anew (`Seen.objections`).
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

from trimtab.ops.drain.plan import Commit, Finished, Move, Plan, Progress, Seen, SetStep, Undo, Wait
from trimtab.ops.steering.wish import Step


def next_move(plan: Plan, progress: Progress, seen: Seen, now: float) -> Move:
    """now: seconds of the clock that `progress` is in. Give the next call `noted` of the same."""
    ended = _ended(plan, progress, seen)
    if ended is not None:
        return ended
    progress = noted(plan, progress, seen, now)
    if progress.undo:
        return _undo(plan, progress, seen, now)
    if progress.step is None:
        return _begin(plan, progress, seen, now)
    if missing := lacking(plan, seen):
        return _wait("; ".join(missing), plan, progress, now)
    if plan.way == "out" and progress.step == "prefer":
        return _leave(plan, progress, seen, now)
    if plan.way == "back":
        return _come_back(plan, progress, seen, now)
    return Commit("every router has verified it, no external router has the route")


def noted(plan: Plan, progress: Progress, seen: Seen, now: float) -> Progress:
    """What has to be remembered of this reading. The same reading twice is the same as once."""
    if progress.undo:
        return progress
    step, prepend = seen.step_of(plan), seen.prepend_of(plan)
    if progress.began is None or (step, prepend) != (progress.step, progress.prepend):
        progress = Progress(step, now, prepend=prepend)
    ready = (
        None if step is None or lacking(plan, seen) else (now if progress.ready is None else progress.ready)
    )
    progress = replace(progress, ready=ready)
    why = _against(plan, progress, seen, now)
    return replace(progress, undo=why, began=now) if why else progress


# ---- whether it has ended


def _ended(plan: Plan, progress: Progress, seen: Seen) -> Finished | None:
    """Committed is committed, whatever the lease and the lost answers say."""
    if plan.way == "out" and seen.committed is not None and seen.committed.permit == plan.permit.id:
        return Finished(True, f"{plan.site} is drained")
    if plan.way == "back" and seen.committed is None and seen.step_of(plan) is None:
        return Finished(True, f"{plan.site} serves")
    if not seen.lives:
        return Finished(False, progress.undo or "the lease has ended, and with it what was under way")
    return None


# ---- what speaks against going on


def _against(plan: Plan, progress: Progress, seen: Seen, now: float) -> str:
    if plan.way == "back":
        return _against_back(plan, progress, seen, now)
    if not seen.permit:
        return "the permit is gone"
    if seen.committed != plan.lifts:
        return _other_word(seen)
    if seen.objections:
        return "it would be refused now: " + "; ".join(seen.objections)
    return _late(plan, progress, seen, now)


def _against_back(plan: Plan, progress: Progress, seen: Seen, now: float) -> str:
    """To give up takes the site away again. That needs somebody else who carries, as any withdrawal does."""
    if seen.committed != plan.lifts:
        return _other_word(seen)
    return _late(plan, progress, seen, now) if seen.others else ""


def _other_word(seen: Seen) -> str:
    word = seen.committed
    return (
        f"{word.by} has committed {word.step} meanwhile"
        if word
        else "the committed state was taken back meanwhile"
    )


def _late(plan: Plan, progress: Progress, seen: Seen, now: float) -> str:
    if now < _deadline(plan, progress):
        return ""
    if progress.step is None:
        return f"nothing could begin within {plan.step_limit_s:g} s{_foreign(plan, seen)}"
    missing = "; ".join(lacking(plan, seen)) or "it could not be written"
    return f"{progress.step} was not done within {plan.step_limit_s:g} s: {missing}"


def _deadline(plan: Plan, progress: Progress) -> float:
    """Of the step under way. One that is ready in time may rest; whoever falls back after its time is late."""
    began = progress.began or 0.0
    limit = began + plan.step_limit_s
    rests = progress.step == "prefer" or plan.way == "back"
    if rests and progress.ready is not None and progress.ready < limit:
        return progress.ready + _rest(plan, progress) + plan.step_limit_s
    return limit


def _rest(plan: Plan, progress: Progress) -> float:
    """How long the step stays once it is ready."""
    if plan.way == "out":
        return plan.rest_s
    return plan.settle_s if progress.step == "prefer" else plan.pause_s


# ---- what is missing


def lacking(plan: Plan, seen: Seen) -> list[str]:
    """What our step under way still waits for, in words."""
    step = seen.step_of(plan)
    if step is None:
        return []
    found = [text for host in plan.routers if (text := _of_router(host, step, seen))]
    if plan.way == "back" and not seen.serving:
        found.append(f"no quorum reaches the site endpoint of {plan.site}")
    if step == "withdraw" and seen.heard:
        found.append(f"still heard by {', '.join(sorted(seen.heard))}")
    return found


def _of_router(host: str, step: Step, seen: Seen) -> str:
    done, token = seen.done.get(host), seen.doing.token if seen.doing else 0
    if done is None:
        return f"{host} has said nothing"
    if (done.step, done.token) != (step, token):
        return f"{host} has not answered"
    return "" if done.verified else f"{host} has not verified it" + (f": {done.amiss}" if done.amiss else "")


# ---- moves


def _begin(plan: Plan, progress: Progress, seen: Seen, now: float) -> Move:
    if seen.doing is not None:
        return _wait(f"waiting{_foreign(plan, seen)}", plan, progress, now)
    return SetStep("prefer", token(seen), f"{plan.site} is announced as second choice")


def _wait(why: str, plan: Plan, progress: Progress, now: float) -> Wait:
    """Past the deadline there is no other move by itself: somebody has to carry first, see `_against_back`."""
    deadline = _deadline(plan, progress)
    return Wait(why, deadline if deadline > now else inf)


def _leave(plan: Plan, progress: Progress, seen: Seen, now: float) -> Move:
    until = (progress.ready or 0.0) + plan.rest_s
    if now < until:
        return Wait("clients are leaving", until)
    return SetStep("withdraw", token(seen), f"{plan.site} is no longer announced")


def _come_back(plan: Plan, progress: Progress, seen: Seen, now: float) -> Move:
    """Over the steps of the ramp that are left, if there are any."""
    if now < (until := (progress.ready or 0.0) + _rest(plan, progress)):
        return Wait("clients are coming back", until)
    left = [n for n in plan.ramp if progress.step == "prefer" or n < progress.prepend]
    if not left:
        return Commit("every router has verified it")
    return SetStep("serve", token(seen), f"{plan.site} is announced with {left[0]} prepended", left[0])


def _undo(plan: Plan, progress: Progress, seen: Seen, now: float) -> Move:
    """A store that takes no undo for so long gets none: what is under way ends with the lease."""
    if seen.step_of(plan) is None and not seen.permit:
        return Finished(False, progress.undo)
    if now >= (progress.began or 0.0) + plan.step_limit_s:
        return Finished(False, f"{progress.undo}; it could not be undone, and ends with the lease")
    return Undo(progress.undo)


def _foreign(plan: Plan, seen: Seen) -> str:
    other = seen.doing is not None and seen.step_of(plan) is None
    return f": another step is under way, by permit {seen.doing.permit}" if other and seen.doing else ""


def token(seen: Seen) -> int:
    """A revision of the store is never read twice before a write; routers may remember more than a store made anew."""
    answered = [done.token for done in seen.done.values()]
    return max(seen.revision, seen.doing.token if seen.doing else 0, *answered) + 1
