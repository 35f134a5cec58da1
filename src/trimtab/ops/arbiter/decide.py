"""The judgement: every rule is asked, and each one that objects says so with its figures.

The order of the table is the order in which people read the objections. A rule is a pure function; what it returns is a
sentence, or None where it has nothing against it. `force` overrules some of them, never those that keep the estate alive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trimtab.ops.arbiter import rules
from trimtab.ops.arbiter.effect import Effect, effect_of
from trimtab.ops.arbiter.world import AUTOMATIC, Request, World

Ask = Callable[[World, Request, Effect, float], str | None]


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    ask: Ask
    forcible: bool
    hint: str


RULES: tuple[Rule, ...] = (
    Rule("no-such-target", rules.no_such_target, False, "see `trimtab status`"),
    Rule(
        "unreadable",
        rules.unreadable,
        False,
        "a later Trimtab's needs that one here; else delete it with etcdctl: routers say theirs anew, what was drained is drained again",
    ),
    Rule("is-so-already", rules.is_so_already, False, "see `trimtab why`"),
    Rule("under-way", rules.under_way, False, "wait for it to end, or for its permit to run out"),
    Rule("frozen", rules.frozen, True, "`trimtab freeze --off`, or --force --reason WHY"),
    Rule("budget-spent", rules.budget_spent, True, "wait, or --force --reason WHY"),
    Rule("last-site", rules.last_site, False, "bring another site back first"),
    Rule(
        "too-few-sites", rules.too_few_sites, True, "bring another site back first, or --force --reason WHY"
    ),
    Rule("one-cause", rules.one_cause, False, "a person may, an agent may not"),
    Rule("no-capacity", rules.no_capacity, True, "wait for less traffic, or --force --reason WHY"),
    Rule("last-proxy", rules.last_proxy, False, "drain the site instead"),
    Rule("too-few-members", rules.too_few_members, True, "bring others back first, or --force --reason WHY"),
    Rule("last-member", rules.last_member, False, "bring another one back first"),
    Rule(
        "members-unknown",
        rules.members_unknown,
        True,
        "look yourself; with --force --reason WHY you say that they are well",
    ),
    Rule(
        "last-address",
        rules.last_address,
        True,
        "with --force --reason WHY you give the service up for the others",
    ),
)
# A black hole ends by itself, and takes an address: it does not count as a change of a site, and waits for none.
OF_ADDRESSES = ("frozen", "too-few-sites", "no-capacity", "last-address")
if len({rule.name for rule in RULES}) != len(RULES):
    raise RuntimeError("two rules of the arbiter have the same name")


@dataclass(frozen=True, slots=True)
class Objection:
    """One rule's sentence. overruled: by force."""

    rule: str
    text: str
    hint: str
    overruled: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """granted: nothing objects that was not overruled."""

    granted: bool
    effect: Effect
    objections: tuple[Objection, ...] = ()

    @property
    def standing(self) -> tuple[Objection, ...]:
        return tuple(each for each in self.objections if not each.overruled)

    @property
    def overruled(self) -> tuple[str, ...]:
        """What force is stronger than, in words."""
        return tuple(f"{each.rule}: {each.text} (overruled)" for each in self.objections if each.overruled)


def decide(world: World, request: Request, now: float) -> Answer:
    """now: seconds since 1970, for the budget alone. All objections, so that nobody has to ask twice to learn the next."""
    effect = effect_of(world, request)
    if takes_over(world, request):
        return Answer(True, effect)
    found = []
    for rule in rules_for(request, effect):
        text = rule.ask(world, request, effect, now)
        if text is not None:
            overruled = rule.forcible and request.force and not request.automatic
            found.append(Objection(rule.name, text, rule.hint, overruled))
            if rule.name in ("no-such-target", "unreadable", "is-so-already"):
                break  # whatever the others would say is about something else
    return Answer(all(each.overruled for each in found), effect, tuple(found))


def rules_for(request: Request, effect: Effect) -> tuple[Rule, ...]:
    """An address that no client is kept from needs nobody's leave."""
    if request.kind != "blackhole":
        return RULES
    return tuple(rule for rule in RULES if rule.name in OF_ADDRESSES) if effect.takes else ()


def takes_over(world: World, request: Request) -> bool:
    """Whether a person asks for what agents have done by themselves: it takes nothing, so no rule objects."""
    site = world.sites.get(request.site)
    if site is None or request.kind != "drain-site" or request.automatic:
        return False
    moves = ("drain-site", "undrain-site")
    under_way = any(each.site == request.site and each.kind in moves for each in world.permits)
    return site.drained_by == AUTOMATIC and not site.unread and not under_way
