"""Who is asked to serve: a table."""

from __future__ import annotations

from trimtab.answers.members import Member, Members

HEADER = ("site", "pool", "member", "address", "weight", "state", "version", "agent", "checks", "tags")


def lines(answer: Members) -> list[str]:
    rows = [_columns(*_cells(each)) + _word(each) for each in answer.members]
    return [_columns(*HEADER), *rows] if rows else []


def _cells(row: Member) -> tuple[str, ...]:
    named = (row.site, row.pool, row.member, row.address, str(row.weight), row.state)
    return (*named, row.version, row.agent, row.checks, " ".join(row.tags))


def _columns(
    site: str, pool: str, member: str, address: str, weight: str, state: str, version: str, agent: str,
    checks: str, tags: str,
) -> str:  # fmt: skip
    return (
        f"{site:<8} {pool:<12} {member:<18} {address:<18} {weight:>6} "
        f"{state:<5} {version:<7} {agent:<7} {checks:<6} {tags}"
    ).rstrip()


def _word(row: Member) -> str:
    """Whose word is on it. One that is plainly back needs none."""
    if row.at is None or (row.state == "ready" and row.given is None and not row.reason):
        return ""
    return f"  by {row.by}: {row.reason or 'no reason given'}"
