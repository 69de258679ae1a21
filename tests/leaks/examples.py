"""A request for every operation: who adds an operation adds one here."""

from collections.abc import Callable, Mapping

from libs.common.http.roles import Role
from tests.leaks.operations import OPEN, Ask
from tests.leaks.seed import TERM, Seeded, a_nomination, a_post, a_slip, a_station, an_order

_OWN_AND_HELPERS = frozenset({Role.HOUSEHOLD, Role.PERSON, Role.DONOR, Role.ENTERPRISE})
"""To them a village card shows what it shows to anybody."""


def _exported(s: Seeded) -> Ask:
    return Ask(s.family)


def _roots(s: Seeded) -> Ask:
    """A hash over everybody's rows tells nothing of any."""
    return Ask(s.family, open_to=OPEN)


def _imported(s: Seeded) -> Ask:
    """Whoever may import queues a job of their own; the job judges each row by their area."""
    return Ask(s.family, query={"filename": "x.csv"}, file=b"x\n", open_to=OPEN)


def _need(s: Seeded, state: str, version: int | None = None) -> Ask:
    return Ask(
        s.working if state == "met" else s.family, {"need_id": s.needs[state]}, version=version
    )


EXAMPLES: Mapping[str, Callable[[Seeded], Ask]] = {
    "get /registry/v1/households/{household}": lambda s: Ask(
        s.family, {"household": s.family.id}
    ),
    "get /registry/v1/households/{household}/facts": lambda s: Ask(
        s.family, {"household": f"household|{s.family.number}"}, {"on": "2019-06-01"}
    ),
    "get /registry/v1/households": lambda s: Ask(s.family),
    "get /registry/v1/persons/{person}/unmasked": lambda s: Ask(
        s.family, {"person": s.family.members[0].id}, {"purpose": "visit"}
    ),
    "get /registry/v1/persons/{person}/data-usage": lambda s: Ask(
        s.family, {"person": s.family.members[0].id}
    ),
    "post /registry/v1/identifiers/check": lambda s: Ask(
        s.family, body={"items": [{"kind": "resident_id", "value": "x"}]}, open_to=OPEN
    ),
    "get /registry/v1/divisions": lambda s: Ask(s.family, open_to=OPEN),
    "get /registry/v1/divisions/{code}": lambda s: Ask(
        s.family, {"code": s.places.village}, open_to=OPEN
    ),
    "get /registry/v1/villages": lambda s: Ask(s.family),
    "get /registry/v1/villages/{code}": lambda s: Ask(s.family, {"code": s.places.village}),
    "post /registry/v1/imports/divisions": _imported,
    "post /registry/v1/imports/village-classes": _imported,
    "post /registry/v1/imports/roster": _imported,
    "get /registry/v1/imports/{job_id}/errors": lambda s: Ask(s.family, {"job_id": s.job}),
    "get /registry/v1/jobs/{job_id}": lambda s: Ask(s.family, {"job_id": s.job}),
    "get /registry/v1/records/export": _exported,
    "get /registry/v1/records/roots": _roots,
    "post /employment/v1/posts": lambda s: Ask(s.family, body=a_post(s.places.village)),
    "get /employment/v1/posts": lambda s: Ask(s.family),
    "post /employment/v1/posts/{post_id}/nominations": lambda s: Ask(
        s.family, {"post_id": s.post}, body=a_nomination(s.family)
    ),
    "get /employment/v1/nominations/{nomination_id}": lambda s: Ask(
        s.family, {"nomination_id": s.nomination}
    ),
    "post /employment/v1/nominations/{nomination_id}/appoint": lambda s: Ask(
        s.family, {"nomination_id": s.nomination}, body=TERM
    ),
    "get /employment/v1/appointments/{appointment_id}": lambda s: Ask(
        s.working, {"appointment_id": s.appointment}
    ),
    "post /employment/v1/appointments/{appointment_id}/end": lambda s: Ask(
        s.working, {"appointment_id": s.appointment}, body={"ended_on": "2019-09-30"}
    ),
    "get /employment/v1/decisions/{decision_id}": lambda s: Ask(
        s.working, {"decision_id": s.decision}
    ),
    "get /employment/v1/records/export": _exported,
    "get /employment/v1/records/roots": _roots,
    "post /solar/v1/stations": lambda s: Ask(s.family, body=a_station(s.places.village)),
    "get /solar/v1/stations": lambda s: Ask(s.family),
    "post /solar/v1/settlements": lambda s: Ask(s.family, body=a_slip(s.station, "2019-07")),
    "get /solar/v1/settlements": lambda s: Ask(s.family),
    "post /solar/v1/settlements/{settlement_id}/confirm": lambda s: Ask(
        s.family, {"settlement_id": s.entered}
    ),
    "get /solar/v1/records/export": _exported,
    "get /solar/v1/records/roots": _roots,
    "post /matching/v1/needs": lambda s: Ask(s.family, body=an_order(s.family)),
    "get /matching/v1/needs": lambda s: Ask(s.family),
    "post /matching/v1/needs/{need_id}/verify": lambda s: _need(s, "draft", 1),
    "post /matching/v1/needs/{need_id}/publish": lambda s: _need(s, "verified", 2),
    "post /matching/v1/needs/{need_id}/overrule": lambda s: _need(s, "met", 4),
    "post /matching/v1/needs/{need_id}/withdraw": lambda s: _need(s, "leaving"),
    "get /matching/v1/needs/{need_id}": lambda s: _need(s, "published"),
    "get /matching/v1/needs/{need_id}/history": lambda s: _need(s, "published"),
    "get /matching/v1/villages/{code}": lambda s: Ask(
        s.family, {"code": s.places.village}, open_to=_OWN_AND_HELPERS
    ),
    "get /matching/v1/records/export": _exported,
    "get /matching/v1/records/roots": _roots,
}  # fmt: skip
