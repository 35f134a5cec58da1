"""What comes of a reconcile, as a value. There are three ways to be called again, and the loop knows them all:

    failed           with back-off, `Pace.first` to `Pace.most`, until it works; every exception that is raised is this, of all keys
    errors.Terminal  not at all until the key is marked or resynced: retrying cannot mend it; said once
    requeue_after_s  once, after so long, though nothing failed; a mark that comes earlier takes its place

Before, a controller got a closure over its own loop for the third, and had none for the second.
Source: controller-runtime, `reconcile.Result{RequeueAfter}` and `reconcile.TerminalError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Result:
    """failed: by key, why it is not as it should be. requeue_after_s: by key, seconds until it is looked at anew."""

    failed: Mapping[str, Exception] = field(default_factory=dict)
    requeue_after_s: Mapping[str, float] = field(default_factory=dict)


DONE = Result()
