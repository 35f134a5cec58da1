"""A peak is promised and nobody says what the machines can do."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks import capacity
from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.inventory import Host
from trimtab.estate.lans import group_of

NAME = "capacity-unknown"
SEVERITY = Severity.WARNING
TITLE = "a peak is promised and nobody says what the machines can do"
WHY = (
    "Without figures no check can say that the peak fits, and none says so. An unknown capacity is not a "
    "sufficient one."
)
SOURCE = "docs/estate.md, hardware"
BAD = """\
objectives: {peak: {requests: 80k/s, bandwidth: 40Gbps}}
"""
GOOD = """\
objectives: {peak: {requests: 80k/s, bandwidth: 40Gbps}}
hardware:
  edge: {cores: 16, memory: 64GB, nic: 2 x 100Gbps}
  lb: {cores: 32, memory: 128GB, nic: 2 x 100Gbps, measured: {requests: 60k/s, handshakes: 18k/s}}
  web: {cores: 16, memory: 64GB, nic: 25Gbps, measured: {requests: 20k/s}}
groups:
  router: {hardware: edge}
  proxy: {hardware: lb}
  backend: {hardware: web}
"""
FIX = "Give the groups `hardware` with `nic` and `measured: {requests: …}` of a load test."


def find(subject: Subject) -> Iterator[Hit]:
    asked = capacity.demand(subject)
    if asked is None or not subject.fronts:
        return
    for group in sorted({h.group for s in subject.fronts for h in _carriers(subject, s)}):
        missing = _missing(subject, group, asked)
        if missing:
            yield Hit(
                asked.loc,
                f"whether the peak fits is unknown: nothing says {' and '.join(missing)} of {group}",
                f"add `groups: {{{group}: {{hardware: NAME}}}}` with those figures",
            )


def _carriers(subject: Subject, site: str) -> list[Host]:
    hosts = [*subject.inventory.front(site), *subject.inventory.routers(site)]
    return hosts + [h for g in capacity.backend_groups(subject) for h in subject.inventory.in_group(site, g)]


def _missing(subject: Subject, group: str, asked: capacity.Demand) -> list[str]:
    """The figures that the peak needs of a group and that are not stated."""
    machine, declared = subject.hardware(group), group_of(subject.estate, group)
    duties = subject.estate.roles.duties(declared.roles if declared else ())
    missing = ["`nic`"] if asked.bandwidth and machine is None and {"gateway", "vips"} & duties else []
    counts = asked.requests and {"vips", "members"} & duties
    if counts and (machine is None or machine.measured.requests is None):
        missing.append("`measured.requests`")
    return missing
