"""What the registry answers with, for the API documents; PostgreSQL builds most of it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from libs.common.contracts import LabourAbility, VillageClass
from libs.common.events.catalogue.registry import PovertyStatus
from libs.common.http.wire import Answer
from libs.common.language import localise, wanted
from libs.common.records import usage
from services.registry.codes import Level, Relation, Sex, Subsistence


class Division(Answer):
    """行政区划."""

    code: str
    parent: str | None
    level: Level
    name: str
    since: date
    until: date | None
    successor: str | None
    synthetic: bool


class ResolvedDivision(Division):
    current: Annotated[
        Division | None,
        Field(description="The division that stands for this code on the day, if there is one."),
    ]


class GivenClass(Answer):
    """A class that a village was given, and by which document."""

    class_: Annotated[VillageClass, Field(alias="class")]
    since: date
    source: str


class Village(Answer):
    """村; its class on the day asked about is null while nobody has classed it."""

    division: str
    id: UUID
    name: str
    class_: Annotated[VillageClass | None, Field(alias="class")]
    since: date | None


class VillageHistory(Village):
    classes: list[GivenClass]
    version: int


class Household(Answer):
    """户; null is what the record does not say."""

    id: UUID
    division: str
    number: str
    registered: bool | None
    registered_on: date | None
    status: PovertyStatus | None
    subsistence: Subsistence | None
    members: int
    workers: int | None
    able: int | None
    as_of: date
    version: int


class ListedHousehold(Household):
    head: Annotated[str | None, Field(description="The head's name, masked.")]


class Person(Answer):
    """人."""

    id: UUID
    number: str
    name: str
    sex: Sex
    relation: Relation
    able: LabourAbility | None
    working: bool | None
    subsistence: bool | None
    cadre: bool | None
    cadre_family: bool | None
    identity_note: Annotated[
        str | None, Field(description="Codes of what is odd about the identity number.")
    ]
    as_of: date
    version: int


class MaskedPerson(Person):
    name: Annotated[str, Field(description="姓+*.")]
    age: int | None
    has_phone: bool


class MaskedHousehold(Household):
    persons: list[MaskedPerson]


class UnmaskedPerson(Person):
    """人, whole: each reading is recorded and shown to the person."""

    household_id: UUID
    division: str
    birth_on: date | None
    identity: str
    phone: str | None


class Reading(Answer):
    """One reading of a person's data, without the name of who read."""

    id: UUID
    at: datetime
    reader: str
    department: str | None
    area: Annotated[str | None, Field(description="Division of the reader's office.")]
    what: str
    purpose: str | None


class DataUsage(Answer):
    items: list[Reading]
    next: Annotated[UUID | None, Field(description="The `cursor` of the next page, if any.")]

    @classmethod
    def of(cls, readings: Sequence[usage.Reading], limit: int) -> Self:
        """In the language the request asks for."""
        language = wanted()
        items = [Reading(**localise(asdict(reading), language)) for reading in readings]
        return cls(items=items, next=items[-1].id if len(items) == limit else None)
