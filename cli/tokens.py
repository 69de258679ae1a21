"""`weiyuan token`: a token of the embedded system's own issuer."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from cli.say import answer, fail
from libs.common.http.issuer import Issuer
from libs.common.http.problems import Problem
from libs.common.http.roles import Role
from libs.common.settings import Settings


@dataclass(frozen=True)
class Claims:
    """Who the token speaks for."""

    role: Role
    division: str | None = None
    department: str | None = None
    household: UUID | None = None
    person: UUID | None = None
    subject: str | None = None


def show(home: Path, claims: Claims, *, json: bool) -> None:
    """The token alone, for `$(weiyuan token …)`."""
    issued = token(home, claims)
    if json:
        answer({"token": issued})
    else:
        print(issued)


def token(home: Path, claims: Claims) -> str:
    if not (home / "issuer.pem").exists():
        fail(
            f"{home} 不是内置系统的目录：请用 --home 指定，或先运行 weiyuan up。",
            f"{home} is no home of an embedded system: name it with --home, or run `weiyuan up`.",
        )
    issuer = Issuer.of(home, Settings(home=home, embedded=True).audience)
    try:
        return issuer.issue(**vars(claims))
    except Problem:
        fail(
            f"角色 {claims.role} 的令牌缺少必需项：官员需 --division（不大于其辖区），"
            "户需 --household，个人需 --person。",
            f"A token of the role {claims.role} lacks what it needs: officials a --division no "
            "wider than their area, a household its --household, a person their --person.",
        )
