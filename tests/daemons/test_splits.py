from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trimtab.daemons.splits import MOST, split_name
from trimtab.estate.service import LARGEST_SHARE, MOST_SHARES
from trimtab.registry.codec import decode, encode
from trimtab.registry.record import Split, key_of

NAME = st.from_regex(r"[a-z][a-z0-9-]{0,19}", fullmatch=True)
POOLS = st.sets(NAME, min_size=1, max_size=MOST_SHARES)


@given(NAME, POOLS, st.integers(1, LARGEST_SHARE))
def test_every_split_of_an_estate_can_be_moved(service: str, pools: set[str], share: int) -> None:
    """The registry's record of the largest split is written, and read again."""
    record = Split(
        service, split_name(pools), dict.fromkeys(pools, share), before=dict.fromkeys(pools, share)
    )
    assert decode(key_of(record), encode(record)) == record


def test_the_largest_split_fits_into_its_record() -> None:
    pools = {f"p{n:019}": LARGEST_SHARE for n in range(MOST_SHARES)}
    record = Split("s" * 20, split_name(pools), pools, before=pools, who="w" * 200, reason="r" * 200)
    assert decode(key_of(record), encode(record)) == record


@given(POOLS, POOLS)
def test_two_splits_have_two_names(one: set[str], other: set[str]) -> None:
    assert (split_name(one) == split_name(other)) == (one == other)
    assert len(split_name(one)) <= MOST


def test_a_name_that_fits_stays_what_it_was() -> None:
    assert split_name({"web-next", "web"}) == "web+web-next"
    assert split_name({f"pool-number-0{n}-abcde" for n in range(9)}).startswith(
        "pool-number-00-abcde+8-more+0"
    )
