"""A validator that lies, says half or says nothing, at the BIRD of both releases: what it said last counts until it expires, no BGP session
notices, and when it is honest again it is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.daemons import raw_validator
from tests.daemons.neighbours_kit import BEGIN, ESTATE, SAME, asker, each_platform, untouched
from trimtab.daemons.artifact import Artifact

pytestmark = [pytest.mark.daemon, pytest.mark.full, pytest.mark.timeout(300)]
Lied = Callable[[str, int, Sequence[str]], dict[str, str]]
RPKI = ESTATE.replace(
    "prefixes: [203.0.113.0/24]}}",
    'prefixes: [203.0.113.0/24]}, rpki: {validators: ["198.51.100.17:3323"], expire: 10m}}',
)
# What BIRD takes for a mistake of the connection: what was said last counts.
STAYS = ("silent", "length", "huge", "unknown-withdrawn", "version", "no-data", "http")
# What BIRD takes for a cache that is not to be believed: it forgets all that this one said, and begins anew, at once and without end.
FORGOTTEN = ("session", "session-at-end", "kind", "prefix", "failed")
HALF = "half"  # a withdrawal counts when it is said, not when the answer ends
SCRIPT = (
    r"""
word() { echo "$1" > /run/word.new; mv /run/word.new /run/word; }
word honest; echo honest > /run/always
there python3 /etc/test/validator.py 198.51.100.17 3323 /run/word 2>/run/validator.log & cache=$!
there python3 /etc/test/validator.py 198.51.100.17 3324 /run/always 2>/dev/null & second=$!
until_ "the validators listen" '[ "$(there ss -Hltn | grep -c ":332[34]")" = 2 ]'
known() { ours show route count | sed -n 's/^\([0-9]*\) of.*table roas4/\1/p'; }
why() { ours "show route 46.0.2.0/24 table wan4 filtered all" | sed -n 's/.*BGP.large_community:.*(65020, 2, \([0-9]*\)).*/\1/p'; }
asked() { grep -c "said $1" /run/validator.log; }
believed() { ours show protocols validator_1 | grep -q Established; }
"""
    + BEGIN
    + r"""
until_ "the list is there" '[ "$(known)" = KNOWN ] && [ "$(why)" = 6 ]'
"""
    + SAME
    + r"""
for lie in LIES; do
    word $lie
    until_ "$lie: it is asked" '[ "$(asked $lie)" -ge 1 ]'
    for n in 1 2 3 4 5 6 7 8; do sleep 0.2; echo "LIE $lie $(known) $(why)"; done # a list settles for one second
    before=$(asked honest)
    word honest
    until_ "$lie: honest again" '[ "$(asked honest)" -gt $before ] && believed && [ "$(known)" = KNOWN ] && [ "$(why)" = 6 ]'
done
kill $cache $second
"""
    + SAME
)


@pytest.fixture(params=each_platform())
def lied(request: pytest.FixtureRequest, tmp_path: Path) -> Lied:
    validator = Artifact("/etc/test/validator.py", Path(raw_validator.__file__).read_text())

    def run(estate: str, known: int, lies: Sequence[str]) -> dict[str, str]:
        """Lie → how many ROAs there were and why the route was refused, a second and a half later."""
        script = SCRIPT.replace("LIES", " ".join(lies)).replace("KNOWN", str(known))
        said = asker(request.param, tmp_path)(script, [validator], seconds=240, estate=estate)
        untouched(said)
        assert [f"{lie}: honest again" in said for lie in lies] == [True] * len(lies)
        found = [line.split(maxsplit=2) for line in said if line.startswith("LIE ")]
        return {lie: last for _, lie, last in found}

    return run


def test_what_it_said_last_counts_or_nothing_does_and_no_session_notices(lied: Lied) -> None:
    after = lied(RPKI, 3, (*STAYS, HALF, *FORGOTTEN))
    assert {lie: after[lie] for lie in STAYS} == dict.fromkeys(STAYS, "3 6")
    assert after[HALF] == "2 6"
    assert {lie: after[lie].split()[0] for lie in FORGOTTEN} == dict.fromkeys(FORGOTTEN, "0")


def test_a_second_validator_makes_all_of_it_harmless(lied: Lied) -> None:
    """BIRD counts a ROA for each that says it, and forgets those of one."""
    after = lied(RPKI.replace('3323"]', '3323", "198.51.100.17:3324"]'), 6, (HALF, *FORGOTTEN))
    assert {lie: why.split()[-1] for lie, why in after.items()} == dict.fromkeys((HALF, *FORGOTTEN), "6")
    assert min(int(why.split()[0]) for why in after.values()) >= 3
