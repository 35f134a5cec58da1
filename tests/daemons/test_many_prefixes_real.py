"""Ten thousand prefixes of ours, of which a verdict names a few: what the upstreams are told, on the BIRD of both releases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemons.neighbours_kit import BEGIN, SAME, asker, each_platform

pytestmark = [pytest.mark.daemon, pytest.mark.full, pytest.mark.timeout(150)]
MANY = 10_000
FEW = ("60.0.1.0/24", "60.0.2.0/24", "60.0.3.0/24")
ROUTE = "\troute 203.0.113.0/24 recursive 10.2.255.1;\n"
ROUTES = ROUTE + "".join(
    f"\troute 60.{n >> 8}.{n & 255}.0/24 recursive 10.2.255.1;\n" for n in range(MANY - 2)
)
# `told`: the updates and withdrawals that were news to the upstream, and all updates. BIRD remembers nothing of what it told, so after a
# change of its filter it tells all of it anew; whoever hears the same again does nothing. `has`, `marked`: what the upstream has of ours.
SCRIPT = (
    BEGIN
    + r"""
NONE=0.0.0.0/32
told() {
    theirs show protocols all two | awk '/Import updates:/ { u = $NF; all = $3 } /Import withdraws:/ { w = $NF } END { print u, w, all }'
}
has() { theirs show route protocol two count | sed -n 's/^\([0-9]*\) of.*master4/\1/p'; }
marked() { theirs show route protocol two where '(65535, 0) ~ bgp_community' count | sed -n 's/^\([0-9]*\) of.*master4/\1/p'; }
verdict() { # words, prefixes preferred away, withdrawn, what the upstream then has
    before=$(told)
    printf 'define %s = [ %s ];\n' PREFER_AWAY4 "$2" WITHDRAWN4 "$3" PREFER_AWAY6 ::/128 WITHDRAWN6 ::/128 > /var/lib/trimtab/steer.conf
    began=$(date +%s%N)
    ours configure > /dev/null
    until_ "$1" "[ \"\$(has) \$(marked)\" = '$4' ]"
    took=$((($(date +%s%N) - began) / 1000000))
    sleep 1 # whatever else it would tell
    set -- "$1" $before $(told)
    echo "VERDICT $1: $(($5 - $2)) $(($6 - $3)) of $(($7 - $4)) in $took ms"
}
until_ "all are told" '[ "$(has)" = MANY ]'
"""
    + SAME
    + r"""
verdict withdraw-few $NONE "FEW" "LESS 0"
verdict prefer-few "FEW" $NONE "MANY 3"
verdict serve-again $NONE $NONE "MANY 0"
verdict nothing-new $NONE $NONE "MANY 0"
verdict withdraw-all $NONE "60.0.0.0/8+" "2 0"
verdict serve-all $NONE $NONE "MANY 0"
"""
    + SAME
)


@pytest.mark.parametrize("platform", each_platform())
def test_a_verdict_moves_what_it_names_and_nothing_else(platform: object, tmp_path: Path) -> None:
    script = (
        SCRIPT.replace("MANY", str(MANY)).replace("LESS", str(MANY - len(FEW))).replace("FEW", ", ".join(FEW))
    )
    said = asker(platform, tmp_path)(script, change=(ROUTE, ROUTES), seconds=120)  # type: ignore[arg-type]
    lines = [line.removeprefix("VERDICT ") for line in said if line.startswith("VERDICT ")]
    print(platform, *lines, sep="\n")
    moved = {name: count.split(" of ")[0] for name, count in (line.split(": ") for line in lines)}
    assert moved == {
        "withdraw-few": "0 3",
        "prefer-few": "3 0",
        "serve-again": "3 0",
        "nothing-new": "0 0",
        "withdraw-all": f"0 {MANY - 2}",
        "serve-all": f"{MANY - 2} 0",
    }
    since = [line for line in said if line.startswith("since")]
    assert len(since) == 2 and all("start" not in line and "down" not in line for line in since)
