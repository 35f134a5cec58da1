"""What a secret looks like where none belongs, so that a check finds it and no message shows it."""

from __future__ import annotations

import re

HIDDEN = "(not shown)"
# A reference or a variable is no secret.
_VALUE = r"(?!\$|env:|file:|sops:|age:)(?:'[^']*'?|\"[^\"]*\"?|\S{4,})"
_NAMED = r"(?:pass(?:word|wd)?|secret|token|api[_-]?key)"
_MIXED = r"(?=[^\s@]*\d)(?=[^\s@]*[A-Za-z])"
# What stands before a secret, and the forms that are one by themselves.
_PATTERNS = (
    (r"://[^/\s:@]+:(?!\$|env:|file:)[^/\s@]+@", "a URL with a password"),
    (rf"(?i){_NAMED}[=:]{_VALUE}", "a password"),
    (rf"(?i)--?{_NAMED}[ =](?!-){_VALUE}", "a password option"),
    # `-p` is a port, a path or a profile too: it takes letters and figures together to look like a password
    (rf"(?:^|\s)-p[ =]?(?![$/.~-]|env:|file:|sops:|age:|\S*[/:=]){_MIXED}\S{{8,}}", "a password option"),
    (r"(?:^|\s)(?:-u|--user)[ =]?[^\s:/]+:(?!\$|env:|file:|\d+(?:\s|$))\S{4,}", "a user and a password"),
    (r"(?i)\bbearer [a-z0-9._~+/-]{16,}", "a bearer token"),
    (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", "an AWS access key"),
    (r"\bgh[pousr]_[A-Za-z0-9]{36,}", "a GitHub token"),
    (r"\bxox[abprs]-[A-Za-z0-9-]{10,}", "a Slack token"),
    (r"-----BEGIN [A-Z ]*PRIVATE KEY", "a private key"),
    (r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}", "a signed web token"),
)
_ALWAYS = tuple((re.compile(pattern), what) for pattern, what in _PATTERNS)
# `password: …` with a blank is how prose goes on, too.
_APART = re.compile(rf"(?i){_NAMED}[=:]\s+{_VALUE}")
_APART_MIXED = re.compile(rf"(?i){_NAMED}[=:]\s+(?=\S*\d){_VALUE}")
_KEY = re.compile(r"(?i)pass|secret|token|api[_-]?key")


def looks_like(text: str, *, prose: bool = False) -> str | None:
    """What kind of secret seems to stand in the text. prose: it is a sentence, so that `secret: everybody` is none."""
    apart = _APART_MIXED if prose else _APART
    if apart.search(text):
        return "a password"
    return next((what for pattern, what in _ALWAYS if pattern.search(text)), None)


def masked(text: str, *, prose: bool = False) -> str:
    """The text without what looks like a secret."""
    for pattern in (_APART_MIXED if prose else _APART, *(pattern for pattern, _ in _ALWAYS)):
        text = pattern.sub(HIDDEN, text)
    return text


def names_secret(loc: tuple[str | int, ...]) -> bool:
    """Does the place promise a secret? What stands there is then never quoted."""
    return any(isinstance(part, str) and _KEY.search(part) for part in loc)
