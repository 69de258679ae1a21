"""The types of which events are made: each has a pattern or a range, so that no free text fits."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.config import JsonDict
from pydantic_core import CoreSchema, core_schema

_SAFE = 2**53 - 1  # the largest integer that every JSON reader keeps


def _integer(unit: str, low: int, high: int, example: int) -> Any:
    extra: JsonDict = {"x-unit": unit}
    return Field(strict=True, ge=low, le=high, examples=[example], json_schema_extra=extra)


def _text(unit: str, pattern: str, example: str) -> Any:
    return Field(pattern=pattern, examples=[example], json_schema_extra={"x-unit": unit})


Version = Annotated[int, _integer("version", 1, _SAFE, 1)]
Count = Annotated[int, _integer("count", 0, 2**31 - 1, 3)]
Quantity = Annotated[int, _integer("see unit", 0, _SAFE, 1)]
Fen = Annotated[int, _integer("fen 分", 0, _SAFE, 50_000)]
Year = Annotated[int, _integer("year", 1949, 2199, 2019)]
Flag = Annotated[
    bool, Field(strict=True, examples=[True], json_schema_extra={"x-unit": "yes or no"})
]
Month = Annotated[str, _text("month", r"^[0-9]{4}-(0[1-9]|1[0-2])$", "2019-06")]
Village = Annotated[str, _text("village code", r"^[0-9]{12}$", "621123100201")]
Area = Annotated[
    str,
    _text("division code", r"^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$", "621123"),
]
Energy = Annotated[str, _text("kWh", r"^[0-9]{1,12}(\.[0-9]{1,3})?$", "31250.5")]
Power = Annotated[str, _text("kW", r"^[0-9]{1,9}(\.[0-9]{1,3})?$", "300")]
Clause = Annotated[str, _text("clause id", r"^[A-Z]{2}-[A-Z]{2,6}-[0-9]{1,2}$", "PW-PAY-1")]
Code = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]{1,31}$", json_schema_extra={"x-unit": "code"})
]


@dataclass(frozen=True)
class OneOf:
    """An open list of codes: a publisher sends only these, a reader takes newer ones too."""

    codes: type[StrEnum]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        known = frozenset(map(str, self.codes))

        def listed(code: str) -> str:
            if code not in known:
                raise ValueError(f"{code} is not one of {', '.join(sorted(known))}")
            return code

        code = handler(source)
        # JSON comes from the bus; Python is what a publisher is about to send.
        return core_schema.json_or_python_schema(
            json_schema=code,
            python_schema=core_schema.no_info_after_validator_function(listed, code),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        codes = [str(code) for code in self.codes]
        return handler(schema) | {"x-extensible-enum": codes, "examples": codes[:1]}


@dataclass(frozen=True)
class OneOfOrOther(OneOf):
    """A list of what may be made known of a household: whatever is not on it travels as `other`."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        known = frozenset(map(str, self.codes))

        def publishable(code: str) -> str:
            return code if code in known else "other"

        return core_schema.no_info_after_validator_function(publishable, handler(source))
