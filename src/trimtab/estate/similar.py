"""What somebody may have meant who wrote a word that is not known."""

from __future__ import annotations

from collections.abc import Collection

# Beyond so many known words the search would take longer than reading the file.
MOST = 1000


def similar(word: str, known: Collection[str]) -> str | None:
    """The known word that is a slip of the finger away: one letter in a short word, two in a longer one. None too where
    several are equally near.
    """
    if len(known) > MOST:
        return None
    most = 1 if len(word) < 5 else 2
    near = [
        (steps, each)
        for each in known
        if abs(len(each) - len(word)) <= most and (steps := distance(word, each)) <= most
    ]
    best = [each for steps, each in near if steps == min(near)[0]]
    return best[0] if len(best) == 1 else None


def distance(a: str, b: str) -> int:
    """Letters to add, drop, change or swap with their neighbour (optimal string alignment)."""
    before, last = [0] * (len(b) + 1), list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
