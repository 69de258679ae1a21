"""The OpenAPI document of a service: generated from its routers alone, completed in one place."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from libs.common.http.permissions import SCHEME
from libs.common.http.problems import MEDIA_TYPE
from libs.common.http.roles import ACTIONS, TERMS, Role
from libs.common.http.wire import ProblemAnswer
from libs.common.service import Service

_SCHEMA = "#/components/schemas/{model}"
_PROBLEMS = {
    401: ("Unauthenticated", "No access token, or none that is valid 未登录或令牌无效"),
    403: ("Forbidden", "Your role may not do this 角色无权办理"),
    404: ("NotFound", "Nothing here, or outside your area 没有找到或不在辖区内"),
    409: ("Conflict", "Not possible as things stand 与现状冲突"),
    413: ("TooLarge", "The body is too large 内容过大"),
    422: ("Malformed", "The request is malformed 请求内容有误"),
    428: ("VersionNeeded", "If-Match is needed 需要版本号"),
    429: ("TooManyRequests", "Too many requests 请求过于频繁"),
    503: ("Unavailable", "Temporarily unavailable 暂时无法办理"),
}
_TEXT = {"type": "string", "maxLength": 200}
_SECONDS = {"type": "integer", "minimum": 0, "maximum": 86400}
_HEADERS = {
    401: {"WWW-Authenticate": {"schema": _TEXT}},
    429: {"Retry-After": {"schema": _SECONDS}, "RateLimit": {"schema": _TEXT}},
    503: {"Retry-After": {"schema": _SECONDS}},
}


def openapi_of(service: Service) -> dict[str, Any]:
    app = FastAPI(title=f"Weiyuan {service.name}", version="1", docs_url=None, redoc_url=None)
    for router in service.routers:
        app.include_router(router)
    document = app.openapi()
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for replaced in ("HTTPValidationError", "ValidationError"):
        schemas.pop(replaced, None)
    problem = ProblemAnswer.model_json_schema(ref_template=_SCHEMA, by_alias=True)
    schemas |= problem.pop("$defs") | {"Problem": problem}
    document["components"]["responses"] = dict(_responses())
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(operation, path, method)
    return document


def _responses() -> Iterator[tuple[str, dict[str, Any]]]:
    content = {MEDIA_TYPE: {"schema": {"$ref": _SCHEMA.format(model="Problem")}}}
    for status, (name, description) in _PROBLEMS.items():
        yield (
            name,
            {"description": description, "headers": _HEADERS.get(status, {}), "content": content},
        )


def _complete(operation: dict[str, Any], path: str, method: str) -> None:
    """What every operation has in common: its problems, and who may use it."""
    operation["responses"].pop("422", None)
    for status in _statuses(operation, path, method):
        reference = {"$ref": f"#/components/responses/{_PROBLEMS[status][0]}"}
        operation["responses"].setdefault(str(status), reference)
    for action in action_of(operation):
        roles = ACTIONS[action]
        operation["x-action"] = {"name": action, "term": TERMS[action]}
        operation["x-roles"] = sorted(roles)
        if Role.PUBLIC in roles:
            operation["security"].append({})


def action_of(operation: dict[str, Any]) -> list[str]:
    """The action an operation requires: none for what asks for no permission."""
    required = [scopes for scheme in operation.get("security", []) for scopes in scheme.values()]
    return [action for scopes in required for action in scopes]


def _statuses(operation: dict[str, Any], path: str, method: str) -> Iterator[int]:
    headers = {given["name"].lower() for given in operation.get("parameters", [])}
    yield from (422, 429, 503)
    if SCHEME in (scheme for given in operation.get("security", []) for scheme in given):
        yield from (401, 403)
    if "{" in path or method != "get":
        yield 404  # what the body names may be missing too
    if method != "get":
        yield 409
    if "requestBody" in operation:
        yield 413
    if "if-match" in headers:
        yield 428
