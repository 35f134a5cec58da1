"""Run every rule over an estate. A rule that raises fails the run: nobody may take that for a pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path

from trimtab.checks.finding import Finding, Hit, Report, Suppressed, covers
from trimtab.checks.peer_data import PeerReader, no_peer_data
from trimtab.checks.registry import LAST, RULES, known
from trimtab.checks.roas import RoaReader, no_roas
from trimtab.checks.rule import Rule
from trimtab.checks.subject import SecretReader, Subject, no_secrets
from trimtab.daemons.load import load_tree
from trimtab.errors import TrimtabError
from trimtab.estate.accept import Accepted
from trimtab.estate.estate import Estate
from trimtab.estate.fault import BadEstate, Fault, dotted
from trimtab.estate.inventory import Inventory
from trimtab.estate.secrets import masked
from trimtab.estate.tree import Tree


class RuleFailed(TrimtabError):
    """A rule that raised; what it would have found is unknown. Exit code 1."""

    def __init__(self, rule: str, error: Exception) -> None:
        super().__init__(
            f"the rule {rule} failed: {type(error).__name__}: {error}",
            "nothing is known about this estate; this is a defect of the rule, please report it",
        )
        self.rule = rule


def check_file(
    path: Path,
    today: date,
    secret: SecretReader = no_secrets,
    roas: RoaReader = no_roas,
    peers: PeerReader = no_peer_data,
) -> tuple[Inventory, Report]:
    """Load an estate file and run every rule. Raises BadEstate, RuleFailed."""
    estate, tree = load_tree(path)
    inventory = Inventory(estate)
    told = Subject(estate, tree, inventory, today, secret, roas=roas(inventory), peer_data=peers(inventory))
    return inventory, run(told)


def run(subject: Subject, rules: Sequence[Rule] = RULES, last: Sequence[Rule] = LAST) -> Report:
    """The report of all rules, without what the estate accepts. Raises BadEstate for an `accept` of no rule."""
    _refuse_unknown(subject.estate, subject.tree)
    first = [finding for rule in rules for finding in apply(rule, subject)]
    judged = replace(subject, findings=tuple(first))
    found = [*first, *(finding for rule in last for finding in apply(rule, judged))]
    return _split(subject, sorted(set(found)))


def apply(rule: Rule, subject: Subject) -> list[Finding]:
    """What one rule finds. Raises RuleFailed whatever it raises."""
    try:
        return [_finding(rule, hit, subject.tree) for hit in rule.find(subject)]
    except Exception as error:
        raise RuleFailed(rule.NAME, error) from error


def _finding(rule: Rule, hit: Hit, tree: Tree) -> Finding:
    at = tree.mark(hit.loc)
    parents = tuple(dotted(hit.loc[:length]) for length in range(1, len(hit.loc) + 1))
    return Finding(
        tree.file, at.line, at.column, rule.NAME, dotted(hit.loc), hit.why, hit.fix, rule.SEVERITY, parents
    )


def _split(subject: Subject, found: Sequence[Finding]) -> Report:
    """Apart what is open and what an entry of `accept` covers; of several entries the first counts."""
    open_, accepted = [], []
    entries = list(_valid(subject))
    for finding in found:
        entry = next(((i, reason) for i, reason, e in entries if covers(e, finding)), None)
        if entry is None:
            open_.append(finding)
        else:
            accepted.append(Suppressed(finding, *entry))
    return Report(tuple(open_), tuple(accepted))


def _valid(subject: Subject) -> Iterator[tuple[int, str, Accepted]]:
    for index, entry in enumerate(subject.estate.accept):
        if entry.until is None or entry.until >= subject.today:
            yield index, masked(entry.reason, prose=True), entry


def _refuse_unknown(estate: Estate, tree: Tree) -> None:
    """An `accept` of a rule that does not exist would silently accept nothing, and so would one of those that judge it."""
    faults = []
    for index, entry in enumerate(estate.accept):
        if entry.rule in {rule.NAME for rule in LAST}:
            message, hint = f"`{entry.rule}` cannot be accepted", "correct or remove the entry that it names"
        elif entry.rule not in known():
            close = get_close_matches(entry.rule, known(), n=1)
            message = f"there is no rule `{entry.rule}`"
            hint = f"did you mean `{close[0]}`?" if close else "`trimtab explain` lists the rules"
        else:
            continue
        loc = ("accept", index, "rule")
        at = tree.mark(loc)
        faults.append(Fault(tree.file, at.line, at.column, dotted(loc), message, hint))
    if faults:
        raise BadEstate(faults)
