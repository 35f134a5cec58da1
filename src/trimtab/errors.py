"""Every error Trimtab raises on purpose, drawn as a tree.

TrimtabError                 never raised itself; carries the exit code of the command line
├── Denied          1    the work was done and the answer is no: a failed drill, an error found
├── BadInput            2    the estate or an argument is wrong; nothing was changed
│   └── BadEstate       2    faults with file and line, all of them at once
├── RuleFailed          1    a rule of `check` raised: nothing is known about the estate
├── DaemonRefused       1    a daemon's own checker refused a rendered file
├── Terminal            1    an agent: trying again cannot mend it, only what it comes from can
├── DriverError         3    a live daemon: asked over its own socket
│   ├── Unreachable     3    nobody answers, or not in time: nothing is known
│   ├── Refused         1    it understood and said no; the same again changes nothing
│   │   └── Outdated    1    a later Trimtab's record stands there: it is kept
│   ├── InvalidResponse 3    what it said cannot be read; nothing is done on the strength of it
│   ├── Conflict        1    somebody else was first: read again
│   ├── LeaseGone       1    the lease has ended: what hung on it is gone
│   └── Compacted       1    the revision is no longer kept: read everything
└── EnvironmentUnable   3    this machine cannot: a package, a right or a running twin is missing
    ├── PackageMissing  3    names the program and the package that brings it
    └── TwinFailed      3    a twin that did not come up, or went away

A message says what was got, the limit, and what to do.
"""

from __future__ import annotations

from typing import ClassVar


class TrimtabError(Exception):
    """Root of the tree. `hint` is what the reader should do next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Denied(TrimtabError):
    exit_code = 1


class BadInput(TrimtabError):
    exit_code = 2


class DaemonRefused(TrimtabError):
    exit_code = 1


class Terminal(TrimtabError):
    pass


class DriverError(TrimtabError):
    """Whatever a live daemon, or the way to it, did. Foreign errors become one of these in its driver."""

    exit_code = 3


class Unreachable(DriverError):
    pass


class Refused(DriverError):
    exit_code = 1


class Outdated(Refused):
    pass


class InvalidResponse(DriverError):
    pass


class Conflict(DriverError):
    exit_code = 1


class LeaseGone(DriverError):
    exit_code = 1


class Compacted(DriverError):
    exit_code = 1


class EnvironmentUnable(TrimtabError):
    exit_code = 3


class PackageMissing(EnvironmentUnable):
    """A program that is not installed; the message names its Debian package."""

    def __init__(self, program: str, package: str) -> None:
        super().__init__(
            f"{program} is not installed",
            f"install it: apt-get install {package}  (or run scripts/bootstrap)",
        )
        self.program = program
        self.package = package


class TwinFailed(EnvironmentUnable):
    pass
