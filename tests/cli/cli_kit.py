"""The command line as `python -m trimtab` runs it, in this process: to start one for every line costs a second of a core each.

What only a process of its own shows (closed streams, pipes, full disks, other encodings) is in test_output.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from trimtab.answers.codec import adapter, plain
from trimtab.answers.table import STREAMS
from trimtab.cli import main

SHOP = Path(__file__).parents[2] / "examples/shop/estate.yaml"


def run(
    *words: str, cwd: Path | None = None, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Exit code, standard output and standard error; standard input is empty. environment: what is added to ours."""
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        out, err = Path(name, "out"), Path(name, "err")
        for key, value in (environment or {}).items():
            patch.setenv(key, value)
        if cwd is not None:
            patch.chdir(cwd)
        patch.setattr(sys, "argv", ["trimtab", *words])
        with _streams(patch, out, err):
            code = _ended()
        return subprocess.CompletedProcess(["trimtab", *words], code, out.read_text(), err.read_text())


def follows_its_schema(words: Sequence[str], out: str) -> None:
    """What a command printed with --json reads as its published type, each line of it where it tells lines, and nothing is lost."""
    command = words[0]
    for text in filter(None, out.splitlines() if command in STREAMS else [out]):
        answer = adapter(command).validate_json(text)
        assert plain(answer) == json.loads(text)


@contextmanager
def _streams(patch: pytest.MonkeyPatch, out: Path, err: Path) -> Iterator[None]:
    """Files in the place of all three, so that what `main` does to a standard output is done to one."""
    with out.open("w") as output, err.open("w") as error, Path(os.devnull).open() as nothing:
        for name, stream in (("stdout", output), ("stderr", error), ("stdin", nothing)):
            patch.setattr(sys, name, stream)
            patch.setattr(sys, f"__{name}__", stream)
        yield


def _ended() -> int:
    """As the interpreter would have ended."""
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
    return 0
