"""A BGP password that can be guessed."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "weak-password"
SEVERITY = Severity.ERROR
TITLE = "a BGP password that can be guessed"
WHY = (
    "One recorded packet of the session is enough to try passwords at home, millions a second. Who finds "
    "it can end the session or bring routes in. The rule reads `env:` from its own environment and "
    "`file:` from the estate's folder; what is not there is not judged."
)
SOURCE = "RFC 3562 (12 to 24 bytes, changed every 90 days); RFC 2385"
BAD = """\
sites:
  one:
    upstreams:
      isp-a: {asn: 64500, peer: [198.51.100.1], password: file:weak.txt}
"""
GOOD = """\
sites:
  one:
    upstreams:
      isp-a: {asn: 64500, peer: [198.51.100.1], password: file:strong.txt}
"""
FIX = "Draw 16 random bytes: `openssl rand -base64 16`."


LEAST_CHARACTERS = 12
LEAST_DIFFERENT = 6
LEAST_NAME = 4  # shorter names are in most passwords by chance
KNOWN = ("password", "passwort", "secret", "qwerty", "letmein", "123456", "changeme", "trimtab")


def find(subject: Subject) -> Iterator[Hit]:
    for site, declared in subject.estate.sites.items():
        for name, upstream in declared.upstreams.items():
            value = subject.secret(upstream.password) if upstream.password else None
            why = _weakness(value, name) if value is not None else ""
            if why:
                loc = ("sites", site, "upstreams", name, "password")
                yield Hit(loc, f"the password of {site}'s session to {name} {why}", "draw 16 random bytes")


def _weakness(value: str, upstream: str) -> str:
    """What is weak, without a character of it."""
    if len(value) < LEAST_CHARACTERS:
        return f"has {len(value)} characters, the least is {LEAST_CHARACTERS}"
    if len(set(value)) < LEAST_DIFFERENT:
        return f"has {len(set(value))} different characters, the least is {LEAST_DIFFERENT}"
    plain = value.lower()
    words = (*KNOWN, upstream) if len(upstream) >= LEAST_NAME else KNOWN
    return "contains a word that is tried first" if any(word in plain for word in words) else ""
