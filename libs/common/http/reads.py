"""Reads that are asked for all day: FastAPI describes them, their arguments are found by a plan.

FastAPI looks at the type of every parameter again in every request, which is as much work as the
rest of a read together. What it would do is fixed when the route is made, so it is worked out then.

All that is taken from FastAPI beside its documented API is `Dependant`, its own description of a
route. What that says and is not understood here, also in a later release, leaves the route to it.
"""

import inspect
import types
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

_MISSING = {"type": "missing", "msg": "Field required", "input": None}
_ONE_VALUE = (str, int, float, date, UUID)
"""With their subclasses: codes, flags, instants. A list would be several values of one name."""
_PLANNED = {"name", "call", "request_param_name", "path_params", "query_params", "dependencies"}
_NOTHING_TO_DO = {"path", "scope", "use_cache", "own_oauth_scopes", "parent_oauth_scopes"}
_UNDERSTOOD = _PLANNED | _NOTHING_TO_DO


class Read(APIRoute):
    """`APIRouter(route_class=Read)`: routes that answer with a `Response` of their own take the
    short way, if their arguments come from path, query and plain `async` dependencies; others are
    FastAPI's, and have no `plan`."""

    plan: "_Plan | None" = None

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answers = inspect.signature(self.endpoint).return_annotation
        if answers is not Response or not _is_plain(self.dependant):
            return super().get_route_handler()
        plan = self.plan = _plan(self.dependant)

        async def answer(request: Request) -> Response:
            errors: list[Any] = []
            response: Response = await plan.run(request, errors)
            if errors:
                raise RequestValidationError(errors)
            return response

        return answer


@dataclass(frozen=True, slots=True)
class _Argument:
    name: str
    alias: str
    place: tuple[str, str]
    type: TypeAdapter[Any]
    required: bool
    default: Any

    def of(self, given: Mapping[str, str], errors: list[Any]) -> Any:
        value = given.get(self.alias)
        if value is None:
            if self.required:
                errors.append({**_MISSING, "loc": self.place})
            return self.default
        try:
            return self.type.validate_python(value)
        except ValidationError as wrong:
            found = wrong.errors(include_url=False)
            errors.extend(error | {"loc": self.place + error["loc"]} for error in found)
            return None


@dataclass(frozen=True, slots=True)
class _Plan:
    """A function, and where its arguments come from."""

    function: Callable[..., Awaitable[Any]]
    request: str | None
    dependencies: tuple[tuple[str | None, "_Plan"], ...]
    path: tuple[_Argument, ...]
    query: tuple[_Argument, ...]

    async def run(self, request: Request, errors: list[Any]) -> Any:
        """Dependencies first, as FastAPI does: who may not ask is not told what was wrong."""
        given: dict[str, Any] = {}
        for name, dependency in self.dependencies:
            found = await dependency.run(request, errors)
            if name is not None:
                given[name] = found
        for argument in self.path:
            given[argument.name] = argument.of(request.path_params, errors)
        for argument in self.query:
            given[argument.name] = argument.of(request.query_params, errors)
        if errors:
            return None
        if self.request:
            given[self.request] = request
        return await self.function(**given)


def _is_plain(route: Dependant) -> bool:
    parts = list(_parts(route))
    calls = [part.call for part in parts]
    each_once = all(calls.count(call) == 1 for call in calls)  # FastAPI would run it once for both
    return each_once and all(map(_is_plain_part, parts))


def _parts(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for dependency in dependant.dependencies:
        yield from _parts(dependency)


def _is_plain_part(part: Dependant) -> bool:
    call: Any = part.call
    runs = inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)
    more = any(getattr(part, each.name) for each in fields(part) if each.name not in _UNDERSTOOD)
    given = (*part.path_params, *part.query_params)
    return runs and not more and all(_is_one_value(each.field_info.annotation) for each in given)


def _is_one_value(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _is_one_value(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        options = (each for each in get_args(annotation) if each is not types.NoneType)
        return all(map(_is_one_value, options))
    return isinstance(annotation, type) and issubclass(annotation, _ONE_VALUE)


def _plan(dependant: Dependant) -> _Plan:
    call: Any = dependant.call
    return _Plan(
        function=call,
        request=dependant.request_param_name,
        dependencies=tuple((each.name, _plan(each)) for each in dependant.dependencies),
        path=tuple(_argument(each.name, each.field_info, "path") for each in dependant.path_params),
        query=tuple(
            _argument(each.name, each.field_info, "query") for each in dependant.query_params
        ),
    )


def _argument(name: str, info: FieldInfo, where: str) -> _Argument:
    alias = info.validation_alias if isinstance(info.validation_alias, str) else info.alias or name
    given: Any = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
    required = info.is_required()
    default = None if required else info.get_default(call_default_factory=True)
    return _Argument(name, alias, (where, alias), TypeAdapter(given), required, default)
