"""An ASPA of ours that leaves out one of our transits."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "aspa-lacks-transit"
SEVERITY = Severity.ERROR
TITLE = "ASPAs of our AS numbers that leave out one of our transits"
WHY = (
    "An ASPA names all networks that may carry an AS to the Internet. Who verifies paths takes our routes by a transit that is "
    "not among them for a leak and refuses them, from the day on which the first network verifies. An AS without an ASPA is not "
    "affected, so half an ASPA is worse than none."
)
SOURCE = (
    "draft-ietf-sidrops-aspa-verification, 6 (verification) and 9 (an ASPA lists all providers, of both families, "
    "those for emergencies too); tried with BIRD 2.17.6"
)
BAD = """\
edge:
  rpki: {roas: bad.json}
"""
GOOD = """\
edge:
  rpki: {roas: good.json}
"""
FIX = "Add the transit to the ASPA where the AS number is registered, then export the list anew; before a new transit is switched on."


def find(subject: Subject) -> Iterator[Hit]:
    for source in subject.roas:
        aspas = source.roas.aspas if source.roas is not None else {}
        for site in subject.inventory.site_names():
            own = subject.inventory.asn(site)
            for name, upstream in sorted(subject.estate.sites[site].upstreams.items()):
                if own in aspas and upstream.role == "transit" and upstream.asn not in aspas[own]:
                    told = ", ".join(f"AS{asn}" for asn in sorted(aspas[own])) or "nobody"
                    yield Hit(
                        ("sites", site, "upstreams", name, "asn"),
                        f"AS{own} has an ASPA by {source.name} that names {told} as providers, and not AS{upstream.asn}",
                        f"add AS{upstream.asn} to the ASPA of AS{own}, or say that it is no transit (`role`)",
                    )
