"""Reads that are asked for all day: FastAPI describes them, their arguments are found by a plan.

FastAPI looks at the type of every parameter again in every request, which is as much work as the
rest of a read together. What it would do is fixed when the route is made, so it is worked out then.
"""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi._compat import is_scalar_field
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

_MISSING = {"type": "missing", "msg": "Field required", "input": None}


class Read(APIRoute):
    """`APIRouter(route_class=Read)`: routes that answer with a `Response` of their own take the
    short way, if their arguments come from path, query and plain `async` dependencies; others are
    FastAPI's."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answers = inspect.signature(self.endpoint).return_annotation
        if answers is not Response or not _is_plain(self.dependant):
            return super().get_route_handler()
        plan = _plan(self.dependant)

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
    validate: Callable[..., tuple[Any, Any]]
    required: bool
    default: Any

    def of(self, given: Mapping[str, str], errors: list[Any]) -> Any:
        value = given.get(self.alias)
        if value is None:
            if self.required:
                errors.append({**_MISSING, "loc": self.place})
            return self.default
        valid, wrong = self.validate(value, {}, loc=self.place)
        errors.extend(wrong or ())
        return valid


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


def _is_plain(dependant: Dependant) -> bool:
    others = (
        dependant.header_params,
        dependant.cookie_params,
        dependant.body_params,
        dependant.response_param_name,
        dependant.background_tasks_param_name,
        dependant.security_scopes_param_name,
        dependant.http_connection_param_name,
        dependant.websocket_param_name,
    )
    call: Any = dependant.call
    runs = inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)
    scalar = all(map(is_scalar_field, (*dependant.path_params, *dependant.query_params)))
    return runs and scalar and not any(others) and all(map(_is_plain, dependant.dependencies))


def _plan(dependant: Dependant) -> _Plan:
    call: Any = dependant.call
    return _Plan(
        function=call,
        request=dependant.request_param_name,
        dependencies=tuple((each.name, _plan(each)) for each in dependant.dependencies),
        path=tuple(_argument(field, "path") for field in dependant.path_params),
        query=tuple(_argument(field, "query") for field in dependant.query_params),
    )


def _argument(field: Any, where: str) -> _Argument:
    alias = field.validation_alias or field.alias
    required = field.field_info.is_required()
    default = None if required else field.get_default()
    return _Argument(field.name, alias, (where, alias), field.validate, required, default)
