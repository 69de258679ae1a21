"""Answers against the API documents: what a service sends is what its document promises."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import jsonschema_rs

from libs.common.http.openapi import openapi_of
from libs.common.service import Service


class _Operation(NamedTuple):
    method: str
    path: re.Pattern[str]
    responses: dict[str, Any]
    components: dict[str, Any]

    def schema(self, status: int) -> dict[str, Any]:
        response = self.responses[str(status)]
        if reference := response.get("$ref"):
            response = self.components["responses"][reference.rpartition("/")[2]]
        (content,) = response["content"].values()
        return {**content["schema"], "components": self.components}


class Promises:
    """The documents of some services; `check` raises where an answer differs from them."""

    def __init__(self, services: Iterable[Service]) -> None:
        self._operations = [
            _Operation(
                method.upper(),
                re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)),
                operation["responses"],
                document["components"],
            )
            for document in map(openapi_of, services)
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        ]
        self._validators: dict[tuple[int, int], jsonschema_rs.Draft202012Validator] = {}

    def check(self, method: str, path: str, status: int, body: Any) -> None:
        for place, operation in enumerate(self._operations):
            if operation.method == method and operation.path.fullmatch(path):
                self._validator(place, status).validate(body)
                return

    def _validator(self, place: int, status: int) -> jsonschema_rs.Draft202012Validator:
        if (place, status) not in self._validators:
            schema = self._operations[place].schema(status)
            self._validators[place, status] = jsonschema_rs.Draft202012Validator(
                schema, validate_formats=True
            )
        return self._validators[place, status]
