"""The bulk check of identifiers: each item gets a verdict in its place, whatever JSON it holds."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, Field, WithJsonSchema

from libs.common.people import credit_code, resident_id
from libs.common.people.verdict import Verdict

MOST_ITEMS = 1000

_NOT_AN_OBJECT = Verdict(reasons=("not_an_object",))
_UNKNOWN_KIND = Verdict(reasons=("unknown_kind",))

# Described in the API document and read by hand: one odd item must not refuse the other 999.
Item = Annotated[
    Any,
    WithJsonSchema(
        {
            "type": "object",
            "title": "Identifier",
            "properties": {
                "kind": {"enum": ["resident_id", "credit_code"]},
                "value": {"description": "Any JSON value; what is not text is not valid."},
            },
            "required": ["kind", "value"],
        }
    ),
]


class IdentifierCheck(BaseModel):
    items: Annotated[list[Item], Field(min_length=1, max_length=MOST_ITEMS)]


class IdentifierVerdict(BaseModel):
    valid: bool
    warnings: list[str]
    reasons: list[str]
    converts_to: str | None = Field(
        None, description="Only with fifteen_digits: the 18-digit number it converts to."
    )


class IdentifierVerdicts(BaseModel):
    items: list[IdentifierVerdict]


def check_items(items: Iterable[Any], on: date) -> list[Verdict]:
    def resident(value: object) -> Verdict:
        return resident_id.check(value, on)

    checks: dict[str, Callable[[object], Verdict]] = {
        "resident_id": resident,
        "credit_code": credit_code.check,
    }
    return [_check_item(item, checks) for item in items]


def answer(items: Iterable[Any], on: date) -> bytes:
    """The body of `IdentifierVerdicts`, written without building a model per item."""
    return orjson.dumps({"items": [_written(verdict) for verdict in check_items(items, on)]})


def _check_item(item: Any, checks: dict[str, Callable[[object], Verdict]]) -> Verdict:
    if not isinstance(item, dict):
        return _NOT_AN_OBJECT
    kind = item.get("kind")
    check = checks.get(kind) if isinstance(kind, str) else None
    return check(item.get("value")) if check else _UNKNOWN_KIND


def _written(verdict: Verdict) -> dict[str, Any]:
    reasons = verdict.reasons
    written = {"valid": not reasons, "warnings": verdict.warnings, "reasons": reasons}
    if verdict.converts_to is not None:
        written["converts_to"] = verdict.converts_to
    return written
