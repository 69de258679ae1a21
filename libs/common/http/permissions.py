"""Permissions: a route names its action, and only the roles of the table get past it."""

from typing import Any

from fastapi import Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from libs.common.http.caller import ANYBODY, Caller
from libs.common.http.problems import Problem
from libs.common.http.roles import ACTIONS, TERMS, Role

SCHEME = "access_token"
"""The security scheme's name in the OpenAPI documents."""


class _Permit(SecurityBase):
    """The dependency behind `allowed`: a security scheme, so that the API docs name the action."""

    def __init__(self, action: str) -> None:
        self.model = HTTPBearer(bearerFormat="JWT", description="OIDC access token 访问令牌")
        self.scheme_name = SCHEME
        self._action, self._roles = action, ACTIONS[action]

    async def __call__(self, request: Request) -> Caller:
        if "authorization" not in request.headers and Role.PUBLIC in self._roles:
            return ANYBODY
        if not (token := bearer(request)):
            raise Problem("unauthenticated")
        caller: Caller = await request.app.state.process.verifier.caller(token)
        if caller.role not in self._roles:
            raise self._forbidden(caller.role)
        return caller

    def _forbidden(self, role: Role) -> Problem:
        term = {"zh": TERMS[self._action], "en": self._action.replace("_", " ")}
        roles = sorted(self._roles - {Role.PUBLIC})
        return Problem("forbidden_role", role=role, term=term, action=self._action, roles=roles)


def bearer(request: Request) -> str | None:
    """The access token that a request carries, unverified."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return (token.strip() or None) if scheme.lower() == "bearer" else None


def allowed(action: str) -> Any:
    """`caller: Annotated[Caller, allowed("appoint")]`: who calls, if their role may; 401, 403 else.

    The action is the scope of the security requirement: every OpenAPI operation names its own.
    """
    return Security(_Permit(action), scopes=[action])
