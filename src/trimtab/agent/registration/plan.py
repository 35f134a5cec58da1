"""What a registering host writes: numbers, and each transaction, held against what was read. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from trimtab.agent.membership.id_claims import number_of
from trimtab.registry.base import Write
from trimtab.registry.codec import decode, encode
from trimtab.registry.fields import BadRecord, is_newer
from trimtab.registry.record import MAX_ID, Alive, Claim, Member, Record, key_of

Records = Mapping[str, bytes]
Place = tuple[str, int]  # address, port


def place_of(member: Member) -> Place:
    return member.address, member.port


def holder(records: Records, wanted: Member) -> Member | None:
    """Who has this name elsewhere and is alive by its own word: then the name is taken."""
    present = _decoded(records, key_of(wanted))
    if not isinstance(present, Member) or place_of(present) == place_of(wanted):
        return None
    return present if key_of(Alive(wanted.pool, wanted.name)) in records else None


def numbers(records: Records, member: Member, last: int | None) -> Iterator[int]:
    """Numbers that this member may have, the best first: the one it has, the one it had, the lowest that are free."""
    claims, others = _claims(records, member.pool), _numbers_of_others(records, member)
    mine = sorted(number for number, name in claims.items() if name == member.name)
    present = _decoded(records, f"members/{member.pool}/{member.name}")
    if isinstance(present, Member) and present.id in mine:
        mine.insert(0, present.id)
    first = [*mine, *([last] if last is not None and last not in claims and last not in others else [])]
    yield from dict.fromkeys(first)
    taken = {*claims, *others, *first}
    yield from (number for number in range(1, MAX_ID + 1) if number not in taken)


def plan(records: Records, member: Member, lease: int) -> Write:
    """Member, claim and health at once; other numbers in its name are given back. It holds only while nobody else wrote
    the member, or began to be alive in its name: two hosts that want one name do not both get it.
    """
    claim = Claim(member.pool, member.id, member.name)
    wanted, spare = encoded([member, claim]), _claims_of(records, member)
    spare.pop(key_of(claim), None)
    held = {key_of(claim): records[key_of(claim)]} if _owner(records, key_of(claim)) == member.name else {}
    alive = Alive(member.pool, member.name)
    silent = () if key_of(alive) in records else (key_of(alive),)
    return Write(
        put={key: value for key, value in wanted.items() if records.get(key) != value},
        delete=tuple(spare),
        leased=encoded([alive]),
        lease=lease,
        absent=(
            *(() if held else (key_of(claim),)),
            *silent,
            *(() if key_of(member) in records else (key_of(member),)),
        ),
        equal={**spare, **held, **_readable(records, key_of(member))},
    )


def plan_removal(records: Records, ours: Member, places: Collection[Place] = ()) -> Write | None:
    """None where there is nothing of ours: another host may have the name by now. places: further ones of ours."""
    key = key_of(ours)
    present = _decoded(records, key)
    if isinstance(present, Member) and place_of(present) not in {place_of(ours), *places}:
        return None
    there = {k: records[k] for k in (key,) if k in records} | _claims_of(records, ours)
    alive = key_of(Alive(ours.pool, ours.name))
    gone = (*there, *([alive] if alive in records else []))
    return Write(delete=gone, equal=there) if gone else None


def encoded(records: Collection[Record]) -> dict[str, bytes]:
    return {key_of(record): encode(record) for record in records}


def _decoded(records: Records, key: str) -> Record | None:
    try:
        return decode(key, records[key]) if key in records else None
    except BadRecord:
        return None


def _readable(records: Records, key: str) -> dict[str, bytes]:
    """What is malformed is no condition: not every engine can compare it."""
    there = records.get(key)
    return (
        {key: there} if there is not None and (is_newer(there) or _decoded(records, key) is not None) else {}
    )


def _owner(records: Records, key: str) -> str | None:
    claim = _decoded(records, key)
    return claim.name if isinstance(claim, Claim) else None


def _claims(records: Records, pool: str) -> dict[int, str | None]:
    """Number → name; None where the claim cannot be read: then the number is not free either."""
    ours = f"ids/{pool}/"
    found = {key: key.removeprefix(ours) for key in records if key.startswith(ours)}
    return {
        number: _owner(records, key) for key, text in found.items() if (number := number_of(text)) is not None
    }


def _claims_of(records: Records, member: Member) -> dict[str, bytes]:
    mine = [number for number, name in _claims(records, member.pool).items() if name == member.name]
    return {key: records[key] for key in (f"ids/{member.pool}/{number}" for number in mine)}


def _numbers_of_others(records: Records, member: Member) -> set[int]:
    ours = f"members/{member.pool}/"
    found = [_decoded(records, key) for key in records if key.startswith(ours) and key != key_of(member)]
    return {each.id for each in found if isinstance(each, Member)}
