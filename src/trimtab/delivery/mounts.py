"""Which folders have something mounted below them: overlayfs takes none of those for its lower layer in a user namespace,
where no mount that came with it may be uncovered. Separate file systems below /var and a running Docker are common.
"""

from __future__ import annotations

import re
from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")


def crowded(path: str, text: str | None = None) -> bool:
    """Is anything mounted below `path`, not on it? text: of proc_pid_mountinfo(5)."""
    if text is None:
        text = MOUNTINFO.read_text()
    points = [_plain(line.split()[4]) for line in text.splitlines()]
    return any(point.startswith(f"{path.rstrip('/')}/") for point in points)


def _plain(word: str) -> str:
    """Without the octal escapes: `\\040` is a blank."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), word)
