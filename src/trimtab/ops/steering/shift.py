"""A part of a site's traffic is moved away while the site stays announced: by what each upstream is told of its prefixes. Pure.

A longer path, a MED or communities of the upstream's own: whoever has another way takes it, whoever has none comes as before. So
nothing is taken away by force, and all of it stands until somebody says another word.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from trimtab.daemons.bird.shift_file import Left

MOST_PREPENDS = 10  # beyond it paths are refused as too long here and there, and nobody is moved any further
MOST_COMMUNITIES = 16
MOST_UPSTREAMS = 100


@dataclass(frozen=True, slots=True)
class UpstreamShift:
    """What one upstream is told beside what the estate has.

    upstream: its name at the site.
    prepend: our AS so often more in the path.
    med: in the place of the estate's; 0: as the estate has it.
    communities: added; two numbers, or three of a large one.
    """

    upstream: str
    prepend: int = 0
    med: int = 0
    communities: tuple[tuple[int, ...], ...] = ()

    @property
    def words(self) -> str:
        """For people."""
        found = [f"prepend {self.prepend}"] * (self.prepend > 0) + [f"med {self.med}"] * (self.med > 0)
        return ", ".join([*found, *(":".join(map(str, each)) for each in self.communities)])


@dataclass(frozen=True, slots=True)
class Shift:
    """The committed word for a site. Without one nothing is shifted.

    at: seconds since 1970; routers answer with it, so no two words of a site have the same.
    """

    site: str
    by: str
    reason: str
    at: float
    upstreams: tuple[UpstreamShift, ...] = ()


def changed(
    stands: Iterable[UpstreamShift], named: Collection[str], asked: UpstreamShift | None
) -> tuple[UpstreamShift, ...]:
    """What stands with one word more. named: upstreams that it is about.  asked: what each of them is told; None: nothing."""
    kept = [each for each in stands if each.upstream not in named]
    new = (
        [UpstreamShift(name, asked.prepend, asked.med, asked.communities) for name in named] if asked else []
    )
    return tuple(sorted([*kept, *new], key=lambda each: each.upstream))


def amiss(wanted: UpstreamShift, left: Mapping[str, Left]) -> list[str]:
    """What of a shift cannot be seen in what has left. left: by prefix; one that is not announced shifts nothing."""
    found = []
    for prefix, each in sorted(left.items()):
        if each.path < wanted.prepend:
            found.append(f"{prefix} leaves with {each.path} prepended and not {wanted.prepend}")
        if wanted.med and each.med != wanted.med:
            found.append(f"{prefix} leaves with med {each.med} and not {wanted.med}")
        if missing := set(wanted.communities) - each.communities:
            found.append(
                f"{prefix} leaves without {', '.join(':'.join(map(str, m)) for m in sorted(missing))}"
            )
    return found
