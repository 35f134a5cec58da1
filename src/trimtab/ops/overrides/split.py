"""An operator's override on a split: its shares, what divides, and the way back. Plans are pure, as those of `member`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from trimtab.errors import BadInput
from trimtab.ops.overrides.member import Who, records, replacing
from trimtab.registry.base import Snapshot, Write
from trimtab.registry.codec import decode, encode
from trimtab.registry.fields import BadRecord
from trimtab.registry.record import MAX_PAST, By, Past, Split, key_of

UNCHANGED = "nothing to go back to: shares were not changed since"
UNKNOWN = "nothing to go back to: what was before these shares is not known; --home brings back the estate's"


def plan_split(
    snapshot: Snapshot, declared: Split, shares: Mapping[str, int], by: By | None, who: Who
) -> Write | None:
    """declared: as the estate has it. None where nothing changes, and no other reason is given. Raises BadInput for
    shares that are not those of its pools, or of nothing.
    """
    now = current_split(snapshot, declared)
    every_pool(declared, shares, f"trimtab split {declared.service}")
    wanted = {pool: shares[pool] for pool in sorted(shares)}
    if sum(wanted.values()) <= 0 or min(wanted.values()) < 0:
        raise BadInput("shares of nothing", "at least one pool needs a share above 0")
    said = replace(now, who=who.by, reason=who.reason, at=who.at, past=_past(now))
    if (wanted, by or now.by) == (dict(now.shares), now.by):
        return None if who.reason in ("", now.reason) else _replacing(snapshot, said)
    before, before_by = dict(now.shares), now.by
    if wanted == before and now.before not in (None, before):  # another way to divide: the way back stays
        before, before_by = dict(now.before or {}), now.before_by or now.by
    asked = replace(said, shares=wanted, by=by or now.by, before=before, before_by=before_by)
    return _replacing(snapshot, asked)


def plan_back(snapshot: Snapshot, declared: Split, who: Who) -> Write | None:
    """Shares and way to divide as they were before the last change. From there it goes no further back: what was before
    is then what is. None where there is nothing to go back to, `why_not_back` says why.
    """
    if why_not_back(snapshot, declared):
        return None
    now = current_split(snapshot, declared)
    shares, by = dict(now.before or {}), now.before_by or now.by
    asked = replace(now, shares=shares, by=by, who=who.by, reason=who.reason, at=who.at, past=_past(now))
    return _replacing(snapshot, replace(asked, before=shares, before_by=by))


def _past(now: Split) -> tuple[Past, ...]:
    """What the next change leaves behind it; the estate's own shares were nobody's change."""
    if not now.at:
        return now.past
    return (Past(now.shares, now.by, now.who, now.reason, now.at), *now.past)[:MAX_PAST]


def _replacing(snapshot: Snapshot, asked: Split) -> Write:
    """With as much of the past as the record holds."""
    while asked.past:
        try:
            encode(asked)
            break
        except BadRecord:
            asked = replace(asked, past=asked.past[:-1])
    return replacing(snapshot, asked)


def why_not_back(snapshot: Snapshot, declared: Split) -> str:
    """In words; "" where there is something to go back to."""
    now = current_split(snapshot, declared)
    before, by = now.before, now.before_by or now.by
    if before is None or set(before) != set(declared.shares):
        return UNCHANGED if (now.shares, now.by) == (declared.shares, declared.by) else UNKNOWN
    return UNCHANGED if (before, by) == (now.shares, now.by) else ""


def current_split(snapshot: Snapshot, declared: Split) -> Split:
    """What holds now: the registry's, where it fits the estate's pools, otherwise the estate's."""
    found = records(snapshot).get(key_of(declared))
    fits = isinstance(found, Split) and set(found.shares) == set(declared.shares)
    return found if isinstance(found, Split) and fits else declared


def after(snapshot: Snapshot, declared: Split, write: Write | None) -> Split:
    """What holds once this is written."""
    if write is None:
        return current_split(snapshot, declared)
    found = decode(key_of(declared), write.put[key_of(declared)])
    assert isinstance(found, Split)
    return found


def every_pool(declared: Split, shares: Mapping[str, int], command: str) -> None:
    """A pool that is left out would silently get nothing. Raises BadInput with the whole line to type."""
    if unknown := [pool for pool in shares if pool not in declared.shares]:
        pools = ", ".join(sorted(declared.shares))
        raise BadInput(f"{unknown[0]!r} is not in this split", f"its pools are {pools}")
    if missing := sorted(set(declared.shares) - set(shares)):
        line = " ".join(f"{pool}={n}" for pool, n in sorted({**declared.shares, **shares}.items()))
        raise BadInput(
            f"{', '.join(missing)}: no share is given",
            f"every pool needs one, 0 for nothing: {command} {line}",
        )


def canary_shares(declared: Mapping[str, int], percent: float, pool: str | None) -> dict[str, int]:
    """`--canary 5%` as shares of 10,000. pool: the canary; without it the one of two that the estate gives less.

    Raises BadInput where it is not clear which one is meant.
    """
    names = sorted(declared)
    if pool is None and (len(names) != 2 or declared[names[0]] == declared[names[1]]):
        raise BadInput(
            f"which of {', '.join(names)} is the canary?",
            "name it: --canary 5% --to POOL, or give shares: POOL=5",
        )
    canary = pool or min(names, key=lambda name: declared[name])
    if canary not in declared:
        raise BadInput(f"{canary!r} is not in this split", f"its pools are {', '.join(names)}")
    others = [name for name in names if name != canary]
    share = round(100 * percent)
    total = sum(declared[name] for name in others) or len(others)
    found = {name: round((10_000 - share) * (declared[name] or (0 if any(declared[n] for n in others) else 1)) / total)
             for name in others}  # fmt: skip
    return {**found, canary: share}


def read_shares(words: Iterable[str]) -> dict[str, int]:
    """`web=95 web-next=5`. Raises BadInput."""
    found: dict[str, int] = {}
    for word in words:
        pool, sign, share = word.partition("=")
        if not sign or not (share.isascii() and share.isdecimal()) or pool in found or len(share) > 6:
            raise BadInput(
                f"{word!r} is no share", "POOL=SHARE is expected, each pool once: web=95 web-next=5"
            )
        found[pool] = int(share)
    return found
