"""Who is caught where as a picture: vantages on the left, sites on the right, a panel a moment; what changed is marked.

Nothing hangs on colour alone: each site has a stroke of its own and its name, and a change has a sign and a thick line.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from trimtab.drills.report.catchment import Catchment, Group, Row, where

WIDTH, LEFT, ROW, HEAD, GAP = 1100, 20, 20, 26, 30
ALONE = 560  # a single moment needs no more
NAMES, BOX = 128, 84
# Okabe and Ito's, told apart by the colour-blind; and strokes, for who prints in grey
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#7a5195", "#56b4e9")
STROKES = ("none", "7 3", "2 3", "9 3 2 3", "4 2", "1 2")
# Inside a page its rules are the page's too, so each names the picture.
STYLE = (
    ".caught text{font:12px system-ui,sans-serif;fill:#1a1a1a;stroke:none}.caught .h{font-weight:600;font-size:13px}"
    ".caught .s{fill:#5a5a5a}.caught .b{font-weight:700}.caught .box{fill:#f4f6f8}"
)
CHANGED = "◆"


def svg(found: Catchment, title: str) -> str:
    """All groups, one below the other."""
    width = WIDTH if len(found.moments) > 1 else ALONE
    sites = sorted(
        {site for group in found.groups for row in group.rows for at in row.at for site in at or ()}
    )
    look = {site: (COLOURS[n % len(COLOURS)], STROKES[n % len(STROKES)]) for n, site in enumerate(sites)}
    parts = [_text(LEFT, 24, title, "h"), _text(LEFT, 42, _legend(found), "s")]
    y = 66
    for group in found.groups:
        parts.append(_text(LEFT, y, _prefixes(group), "h"))
        step = (width - 2 * LEFT) / len(found.moments)
        heights = [_height(group, n) for n in range(len(found.moments))]
        for n, moment in enumerate(found.moments):
            parts += _panel(group, n, moment, look, (LEFT + n * step, y + 18, step - 30))
        y += HEAD + max(heights) + GAP
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="caught" viewBox="0 0 {width} {y}" role="img">'
    return "\n".join((
        head, f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect width="{width}" height="{y}" fill="#fff"/>', *parts, "</svg>",
    )) + "\n"  # fmt: skip


def _legend(found: Catchment) -> str:
    said = "left: who was asked; right: the site that it has the prefix from"
    return (
        said
        if len(found.moments) == 1
        else f"{said}; {CHANGED} and a thick line: elsewhere than {found.moments[0]}"
    )


def _prefixes(group: Group, shown: int = 4) -> str:
    more = len(group.prefixes) - shown
    return ", ".join(group.prefixes[:shown]) + (f" and {more} more" if more > 0 else "")


def _height(group: Group, moment: int) -> int:
    return ROW * max(len(group.rows), len(_sites(group, moment)))


def _sites(group: Group, moment: int) -> list[str]:
    """Of the moment, in the order of the vantages that they caught: the lines cross less."""
    return list(dict.fromkeys(site for row in group.rows for site in row.at[moment] or ()))


def _panel(
    group: Group, moment: int, name: str, look: dict[str, tuple[str, str]], place: tuple[float, float, float]
) -> Iterator[str]:
    """place: left, top, width."""
    left, top, width = place
    yield _text(left, top, name, "s")
    sites = _sites(group, moment)
    heights = {
        site: top + ROW * (n + 1) * len(group.rows) / (len(sites) + 1) + 8 for n, site in enumerate(sites)
    }
    for n, row in enumerate(group.rows):
        y = top + ROW * (n + 1)
        for site in row.at[moment] or ():
            yield _line(
                row.moved_at(moment), look[site], (left + NAMES, y - 4), (left + width - BOX, heights[site])
            )
    for n, row in enumerate(group.rows):
        yield from _vantage(row, moment, left, top + ROW * (n + 1))
    for site in sites:
        caught = sum(site in (row.at[moment] or ()) for row in group.rows)
        yield from _site(site, caught, look[site], left + width - BOX, heights[site])


def _vantage(row: Row, moment: int, left: float, y: float) -> Iterator[str]:
    moved, at = row.moved_at(moment), row.at[moment]
    yield _text(left, y, f"{CHANGED} {row.vantage}" if moved else row.vantage, "b" if moved else "")
    if not at:  # lines of others may pass behind it
        yield f'<rect x="{left + NAMES:.1f}" y="{y - 13:.1f}" width="{BOX}" height="17" fill="#fff"/>'
        yield _text(left + NAMES, y, f"{'?' if at is None else '✕'} {where(at)}", "b" if moved else "s")


def _line(moved: bool, look: tuple[str, str], start: tuple[float, float], end: tuple[float, float]) -> str:
    middle = (start[0] + end[0]) / 2
    colour, stroke = look
    curve = f"M{start[0]:.1f} {start[1]:.1f}C{middle:.1f} {start[1]:.1f} {middle:.1f} {end[1]:.1f} {end[0]:.1f} {end[1]:.1f}"
    return (
        f'<path d="{curve}" fill="none" stroke="{colour}" stroke-width="{3.5 if moved else 1.5}"'
        f' stroke-dasharray="{stroke}"/>'
    )


def _site(name: str, caught: int, look: tuple[str, str], x: float, y: float) -> Iterator[str]:
    colour, stroke = look
    yield (
        f'<rect class="box" x="{x:.1f}" y="{y - 10:.1f}" width="{BOX}" height="20" rx="4" stroke="{colour}"'
        f' stroke-width="1.5" stroke-dasharray="{stroke}"/>'
    )
    yield _text(x + 8, y + 4, f"{name}  {caught}", "b")


def _text(x: float, y: float, says: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(says)}</text>'
