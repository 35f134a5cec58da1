"""What stands in the estate store of who may take capacity away, and of what is under way: bytes in, a record out.

A record of somebody else's making is not trusted: every value is bounded and typed before anything acts on it.

    gate                the budget: the last grants; every grant rewrites it, and holds only for the budget as it was read
    freeze              nothing is to be taken away
    decision/NUMBER     what was asked, and what the arbiter said: the last 500
    permit/ID           the right to take one thing away          ends with its coordinator's lease
    doing/SITE          the step under way                        ends with its coordinator's lease
    steer/SITE          the committed state                         stays until it is taken back
    shift/SITE          what upstreams are told beside the estate   stays until it is cleared
    done/SITE/HOST      what a router of the site came to          stays
    heard/SITE/HOST     whether a router elsewhere hears the site  ends with the lease of that router's agent
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from trimtab.ops.arbiter.fields import Body, Named, encoded
from trimtab.ops.arbiter.ledger import (
    MAX_GRANTS,
    MAX_OBJECTIONS,
    MAX_TEXT,
    ChangeBudget,
    Decision,
    Figures,
    Heard,
    Said,
    plain,
)
from trimtab.ops.arbiter.world import Freeze, Grant, Kind, Permit, PermitKind, Request, Told
from trimtab.ops.steering.shift import MOST_COMMUNITIES, MOST_PREPENDS, MOST_UPSTREAMS, Shift, UpstreamShift
from trimtab.ops.steering.wish import STEPS, Committed, Doing, Done
from trimtab.registry.fields import BadRecord, shown

MAX_VALUE = 8192
MAX_BUDGET = MAX_GRANTS * 256  # bytes: a grant is seldom over 100
MAX_TTL_S = 3600.0
BUDGET, FREEZE = "gate", "freeze"


Record = ChangeBudget | Freeze | Decision | Permit | Doing | Committed | Shift | Done | Heard


def key_of(record: Record) -> str:
    match record:
        case ChangeBudget():
            return BUDGET
        case Freeze():
            return FREEZE
        case Decision(number=number):
            return f"decision/{number:010d}"
        case Permit(id=name):
            return f"permit/{name}"
        case Doing(site=site):
            return f"doing/{site}"
        case Committed(site=site):
            return f"steer/{site}"
        case Shift(site=site):
            return f"shift/{site}"
        case Done(site=site, host=host):
            return f"done/{site}/{host}"
        case Heard(site=site, host=host):
            return f"heard/{site}/{host}"


def encode(record: Record) -> bytes:
    """The value of a record. Raises BadRecord for one that `decode` would not take: here its writer learns of it."""
    return encoded(key_of(record), _body(record), decode)


def decode(key: str, value: bytes) -> Record:
    """Raises BadRecord."""
    kind, *names = key.split("/")
    reader = _READERS.get((kind, len(names)))
    if reader is None:
        raise BadRecord(f"{shown(key)}: no such kind of record")
    most = MAX_BUDGET if kind == BUDGET else MAX_VALUE
    try:
        return reader(Named(names), Body.of(value, most))
    except BadRecord as error:
        raise type(error)(f"{shown(key)}: {error}") from error.__cause__


def is_ours(key: str) -> bool:
    """Whether a key is of a kind that is read here: the store holds others too."""
    kind, *names = key.split("/")
    return (kind, len(names)) in _READERS


# ---- what is written: what the key says already is left out


def _body(record: Record) -> dict[str, Any]:
    match record:
        case ChangeBudget():
            return {"number": record.number, "grants": [_row(grant) for grant in record.grants]}
        case Freeze():
            return {"by": record.by, "reason": record.reason, "at": record.at}
        case Decision():
            return _of_decision(record)
        case Permit():
            return _all(record, "kind", "site", "target", "by", "reason", "at", "ttl_s")
        case Doing():
            ramp = {"prepend": record.prepend} if record.prepend else {}
            return _all(record, "step", "permit", "token", "ttl_s") | ramp
        case Committed():
            return _all(record, "step", "by", "reason", "at", "permit")
        case Shift():
            rows = [[u.upstream, u.prepend, u.med, list(map(list, u.communities))] for u in record.upstreams]
            return _all(record, "by", "reason", "at") | {"upstreams": rows}
        case Done():
            texts = {"why": plain(record.why), "amiss": plain(record.amiss)}
            followed = {"shift": record.shift} if record.shift else {}
            return _all(record, "step", "token", "verified", "at") | texts | followed
        case Heard():
            return _all(record, "hears", "at")


def _all(record: Record | Request | Figures, *names: str) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


def _row(grant: Grant) -> list[Any]:
    return [grant.at, grant.kind, grant.site, grant.target]


def _of_decision(record: Decision) -> dict[str, Any]:
    asked = _all(record.request, "kind", "site", "target", "by", "reason", "automatic", "force")
    figures = _all(record.figures, *Figures.__slots__)
    said = [[each.rule, each.text, each.overruled] for each in record.objections]
    return {"at": record.at, "asked": asked, "granted": record.granted, "said": said, "figures": figures}


# ---- one reader a kind


def _change_budget(key: Named, body: Body) -> ChangeBudget:
    grants = tuple(_grant(row) for row in body.rows("grants", MAX_GRANTS, 4))
    return ChangeBudget(body.whole("number"), grants)


def _grant(row: Body) -> Grant:
    return Grant(row.time(0), row.one_of(1, get_args(Kind)), row.site(2), row.target(3))


def _freeze(key: Named, body: Body) -> Freeze:
    return Freeze(body.words("by"), body.words("reason"), body.time("at"))


def _decision(key: Named, body: Body) -> Decision:
    said = tuple(
        Said(row.identifier(0), row.words(1, MAX_TEXT), row.truth(2))
        for row in body.rows("said", MAX_OBJECTIONS, 3)
    )
    asked = _request(body.inner("asked"))
    return Decision(
        key.number(), body.time("at"), asked, body.truth("granted"), said, _figures(body.inner("figures"))
    )


def _request(body: Body) -> Request:
    """As it was asked, though there may be no such site and no such target."""
    return Request(
        body.one_of("kind", get_args(Told)),
        body.words("site", 100),
        body.words("target", 100),
        body.words("by"),
        body.words("reason"),
        body.truth("automatic"),
        body.truth("force"),
    )


def _figures(body: Body) -> Figures:
    return Figures(
        body.whole("sites_before"),
        body.whole("sites_after"),
        body.share("full_before"),
        body.share("full_after"),
        body.whole("peers"),
        body.whole("peers_of"),
    )


def _permit(key: Named, body: Body) -> Permit:
    return Permit(
        key.identifier(),
        body.one_of("kind", get_args(PermitKind)),
        body.site("site"),
        body.target("target"),
        body.words("by"),
        body.words("reason"),
        body.time("at"),
        body.span("ttl_s", MAX_TTL_S),
    )


def _doing(key: Named, body: Body) -> Doing:
    return Doing(
        key.site(),
        body.one_of("step", STEPS),
        body.identifier("permit"),
        body.whole("token"),
        body.span("ttl_s", MAX_TTL_S),
        body.whole("prepend", MOST_PREPENDS, 0),
    )


def _committed(key: Named, body: Body) -> Committed:
    return Committed(
        key.site(),
        body.one_of("step", STEPS),
        body.words("by"),
        body.words("reason"),
        body.time("at"),
        body.identifier("permit", empty=True),
    )


def _shift(key: Named, body: Body) -> Shift:
    rows = tuple(_upstream_shift(row) for row in body.rows("upstreams", MOST_UPSTREAMS, 4))
    return Shift(key.site(), body.words("by"), body.words("reason"), body.time("at"), rows)


def _upstream_shift(row: Body) -> UpstreamShift:
    communities = row.numbers(3, MOST_COMMUNITIES)
    return UpstreamShift(row.site(0), row.whole(1, MOST_PREPENDS), row.whole(2, 2**32 - 1), communities)


def _done(key: Named, body: Body) -> Done:
    return Done(
        key.site(),
        key.host(),
        body.one_of("step", STEPS),
        body.whole("token"),
        body.truth("verified"),
        body.time("at"),
        body.words("why", MAX_TEXT),
        body.words("amiss", MAX_TEXT),
        body.time("shift", 0.0),
    )


def _heard(key: Named, body: Body) -> Heard:
    return Heard(key.site(), key.host(), body.truth("hears"), body.time("at"))


_READERS: Mapping[tuple[str, int], Callable[[Named, Body], Record]] = {
    (BUDGET, 0): _change_budget,
    (FREEZE, 0): _freeze,
    ("decision", 1): _decision,
    ("permit", 1): _permit,
    ("doing", 1): _doing,
    ("steer", 1): _committed,
    ("shift", 1): _shift,
    ("done", 2): _done,
    ("heard", 2): _heard,
}
