"""What one BIRD says of its routes, as an answer of `trimtab routes`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from trimtab.answers.routes import Heard, Refused, Router, Session, Told, Validator, Why
from trimtab.daemons.announcing import session_name
from trimtab.daemons.bird import wire
from trimtab.daemons.bird.defence import REASONS, REFUSED
from trimtab.daemons.bird.seen import Seen, seen
from trimtab.daemons.bird.wire import ASPA, Channel, ProtocolState, Reply
from trimtab.daemons.catchment import Announced, bird_questions, frr_question, heard_by_bird, heard_by_frr
from trimtab.estate.addressing import FAMILIES
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import sessions

MOST = 1000
WORDS: Mapping[int, Why] = {number: word for word, number in REASONS.items()}
Ask = Callable[[str, Sequence[str]], list[Reply]]
Say = Callable[[str, Sequence[str]], str]  # (node, argv) → what it prints


def router(inventory: Inventory, host: Host, ask: Ask) -> Router:
    """Raises TrimtabError."""
    asn = inventory.asn(host.site)
    own = [each for each in sessions(inventory, host.site) if each.host.name == host.name]
    names = {session_name(each.upstream, each.family): each.upstream for each in own}
    states, counts = _protocols(ask, host.name)
    filtered = _all(ask, host.name, [f"show route table wan{f} filtered all" for f in FAMILIES])
    marked = _all(
        ask,
        host.name,
        [
            f"show route table wan{f} all where bgp_large_community ~ [({asn}, {REFUSED}, *)]"
            for f in FAMILIES
        ],
    )
    up = [name for name in names if name in states and states[name].state == "up"]
    told = {name: _told(ask, host.name, name) for name in up}
    return Router(
        host.name,
        host.site,
        tuple(_session(name, names[name], states, counts, told.get(name, ())) for name in sorted(names)),
        tuple(_refused(each, asn) for each in filtered[:MOST]),
        tuple(_refused(each, asn) for each in marked[:MOST]),
        tuple(
            Validator(
                name,
                state.info.startswith("Established"),
                *_counted(counts.get(name, ())),
            )
            for name, state in sorted(states.items())
            if state.kind == "RPKI"
        ),
        tuple(
            each.prefix
            for f in FAMILIES
            if f"blackhole{f}" in states
            for each in _all(ask, host.name, [f"show route table wan{f} protocol blackhole{f}"])
        ),
    )


def _counted(channels: Sequence[Channel]) -> tuple[int, int]:
    """ROAs and ASPAs of a validator."""
    aspas = sum(each.imported for each in channels if each.name == ASPA)
    return sum(each.imported for each in channels) - aspas, aspas


def heard(ours: Announced, vantage: str, own: str, ask: Ask) -> Iterator[Heard]:
    """Of each prefix of the estate. own: the site of one of our routers, "" for another network."""
    return heard_by_bird(ours, vantage, own, ask(vantage, bird_questions(ours, router=bool(own))))


def heard_in_frr(ours: Announced, vantage: str, say: Say) -> Iterator[Heard]:
    """The same of a network of the twin that runs FRR."""
    return heard_by_frr(ours, vantage, say(vantage, frr_question(ours)))


def _protocols(ask: Ask, node: str) -> tuple[dict[str, ProtocolState], dict[str, tuple[Channel, ...]]]:
    short, long = ask(node, ["show protocols", "show protocols all"])
    return wire.protocols(short), wire.channels(long)


def _all(ask: Ask, node: str, asked: Sequence[str]) -> list[Seen]:
    return [each for reply in ask(node, asked) for each in seen(reply)]


def _told(ask: Ask, node: str, session: str) -> tuple[Told, ...]:
    """What has left, with the communities that the filter adds now."""
    left, now = map(seen, ask(node, [f"show route exported {session}", f"show route all export {session}"]))
    added = {each.prefix: each.communities for each in now}
    return tuple(Told(each.prefix, added.get(each.prefix, ())) for each in left)


def _session(
    name: str,
    upstream: str,
    states: Mapping[str, ProtocolState],
    counts: Mapping[str, tuple[Channel, ...]],
    told: tuple[Told, ...],
) -> Session:
    state, channels = states.get(name), counts.get(name, ())
    return Session(
        name,
        upstream,
        state is not None and state.state == "up",
        state.since if state else "",
        sum(each.imported for each in channels),
        sum(each.filtered for each in channels),
        told,
    )


def _refused(route: Seen, asn: int) -> Refused:
    why = WORDS.get(route.reason(asn, REFUSED), "unknown")
    return Refused(route.prefix, route.protocol, route.path, why)
