"""What a registry lost that was wiped, or restored from a backup: what we had, held against what it has now. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from trimtab.registry.codec import decode
from trimtab.registry.fields import BadRecord
from trimtab.registry.record import Claim, Member, Override, ProxyOverride, Record, Split, key_of

Records = Mapping[str, bytes]
WORDS = (Override, Split, ProxyOverride)  # of an operator


def lost(ours: Records, theirs: Records) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """(what is to be given back, what the registry has in the place of some of it), by key. ours: records that can be read."""
    read = {key: decode(key, value) for key, value in ours.items()}
    orphans: dict[str, bytes] = {}
    older: dict[str, bytes] = {}
    for key, record in read.items():
        there = theirs.get(key)
        if there is None and _may_go_back(record, read, ours, theirs):
            orphans[key] = ours[key]
        elif there is not None and _is_later(record, key, there):
            orphans[key], older[key] = ours[key], there
    return orphans, older


def _may_go_back(record: Record, read: Mapping[str, Record], ours: Records, theirs: Records) -> bool:
    """A member only with its claim, for it may have been taken out; a claim not beside a member that is another one by
    now. Health is its host's own to say.
    """
    if isinstance(record, Member):
        return Claim(record.pool, record.id, record.name) == read.get(f"ids/{record.pool}/{record.id}")
    if not isinstance(record, Claim):
        return isinstance(record, WORDS)
    member = read.get(f"members/{record.pool}/{record.name}")
    if not isinstance(member, Member) or member.id != record.id:
        return False
    return theirs.get(key_of(member)) in (None, ours[key_of(member)])


def _is_later(record: Record, key: str, there: bytes) -> bool:
    """Of two words of an operator."""
    try:
        other = decode(key, there)
    except BadRecord:
        return False
    return isinstance(record, WORDS) and isinstance(other, WORDS) and record.at > other.at
