"""What the long tests came to, line by line, so that a run that was interrupted goes on where it was.

The first line says of which code it is, each further one what became of a test. A line that was being written when the
run was killed is no line.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

PASSED = "passed"


class JournalUnfit(Exception):
    """It cannot be gone on with: the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Code:
    """commit: of the checkout. changes: a digest of what is not committed, "" where everything is."""

    commit: str
    changes: str

    def __str__(self) -> str:
        return self.commit[:12] + (f" with changes {self.changes}" if self.changes else "")


@dataclass(frozen=True, slots=True)
class Journal:
    """file: where it stands. code: what it is of."""

    file: Path
    code: Code

    def open(self) -> None:
        """Goes on with one of the same code; any other gives way to a new one."""
        try:
            self.passed()
        except JournalUnfit:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(
                json.dumps({"commit": self.code.commit, "changes": self.code.changes}) + "\n"
            )

    def note(self, test: str, outcome: str, seconds: float) -> None:
        with self.file.open("a") as out:
            out.write(json.dumps({"test": test, "outcome": outcome, "seconds": round(seconds, 1)}) + "\n")

    def passed(self) -> frozenset[str]:
        """The tests that need not run again. Raises JournalUnfit: there is none, or it is of other code."""
        try:
            first, *rest = self.file.read_text().splitlines()
            found = Code(**json.loads(first))
        except FileNotFoundError as error:
            raise JournalUnfit(f"no journal at {self.file}: begin one without --resume") from error
        except (ValueError, TypeError) as error:
            raise JournalUnfit(f"{self.file} is no journal: begin one without --resume") from error
        if found != self.code:
            raise JournalUnfit(
                f"the journal is of {found}, this is {self.code}: begin anew without --resume, or ask with "
                f"--since {found.commit[:12]} for what has changed since"
            )
        return frozenset(each["test"] for each in map(_line, rest) if each.get("outcome") == PASSED)


def _line(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def code_of(root: Path) -> Code:
    """Raises JournalUnfit where this is no checkout."""
    commit = git(root, "rev-parse", "HEAD").strip()
    changed = git(root, "diff", "HEAD") + "".join(
        f"{name}\0{_text(root / name)}\0"
        for name in git(root, "ls-files", "--others", "--exclude-standard").splitlines()
    )
    return Code(commit, hashlib.sha256(changed.encode()).hexdigest()[:12] if changed else "")


def changed_since(root: Path, commit: str) -> tuple[str, ...]:
    """Paths that differ from `commit`, what is not committed included. Raises JournalUnfit: it is not known."""
    names = git(root, "diff", "--name-only", "--no-renames", commit, "--")
    return (*names.splitlines(), *git(root, "ls-files", "--others", "--exclude-standard").splitlines())


def git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", *words], cwd=root, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        raise JournalUnfit(f"git cannot be started: {error.strerror}; apt-get install git") from error
    if done.returncode:
        raise JournalUnfit(f"git {' '.join(words)}: {done.stderr.strip().splitlines()[0]}")
    return done.stdout


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.is_file() else ""
