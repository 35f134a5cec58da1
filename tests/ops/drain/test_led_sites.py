"""Sites whose clients a name server leads: seen by who looks, and counted for nobody's drain by BGP."""

from __future__ import annotations

from tests.estate.test_reached import inventory

from trimtab.ops.drain.of_estate import facts_of


def test_such_a_site_counts_for_nobody_but_where_it_is_asked_about() -> None:
    found = inventory()
    assert set(facts_of(found).sites) == {"one"}, "what is withdrawn by BGP does not go there"
    for also in (("two",), found.site_names()):
        facts = facts_of(found, also)
        assert set(facts.sites) == {"one", "two"}
        assert facts.sites["two"].together and not facts.sites["one"].together
        assert facts.routers["two"] == ()
