"""Fail open: a drained site announces again while nobody else serves. Pure.

A committed state is kept for ever, also by those who can reach nobody. Somebody may have drained this site years ago, or a
moment ago while the others were well; it was never meant to be the reason why nobody serves at all.

What it takes is a quorum's word. A site whose vantage points went down with the others has none and stays as it was told:
from inside, being alone and being cut off look the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from trimtab.ops.health.verdict import SiteVerdict


def fail_open(
    site: str,
    verdicts: Mapping[str, SiteVerdict],
    away: Collection[str] = (),
    *,
    serves: bool | None = True,
    announced: bool = False,
) -> str | None:
    """Why the site is to be announced against its committed state; None: the word holds.

    verdicts: of every site. away: sites that are drained or under way. That one of them serves, by failing open itself,
    counts for nothing: two would take turns in closing on each other's account. serves: whether the site serves by its
    own local word. announced: whether it is now. Then neither silence nor a front that is down for a moment ends it:
    nobody withdraws without knowing of another one, and a store that is gone changes nothing that stands.
    """
    if site not in verdicts:  # whoever has no verdicts at all has not looked
        return None
    if not serves and not announced:
        return None
    others = {name: verdict.state for name, verdict in verdicts.items() if name != site and name not in away}
    if "serving" in others.values() or ("unknown" in others.values() and not announced):
        return None
    words = ", ".join(f"{name} is {word}" for name, word in sorted(others.items())[:8])
    return f"no other site is known to serve: {words or 'there is none that is meant to'}"
