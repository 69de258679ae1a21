"""Every operation of every API document, asked by everybody who must not be answered.

The walk grows by itself: an operation without an example request fails it.
"""

import httpx
import pytest

from libs.common.http.roles import Role
from tests.architecture.services import WITH_SERVICE
from tests.house import SERVICES
from tests.leaks.examples import EXAMPLES
from tests.leaks.operations import (
    ALONE,
    Ask,
    Operation,
    operations,
    right_token,
    send,
    wrong_tokens,
)
from tests.leaks.seed import Seeded
from tests.leaks.tokens import worthless

KNOWN = [pytest.param(operations()[name], id=name) for name in operations() if name in EXAMPLES]


def test_every_operation_has_an_example() -> None:
    missing = sorted(operations().keys() - EXAMPLES.keys())
    assert missing == [], "add a request for each to tests/leaks/examples.py"


def test_every_example_is_of_an_operation() -> None:
    assert sorted(EXAMPLES.keys() - operations().keys()) == []


def test_the_house_has_every_service() -> None:
    assert {each.name for each in SERVICES} == set(WITH_SERVICE)


def test_every_operation_asks_for_a_permission() -> None:
    assert [each.name for each in operations().values() if not each.action] == []


@pytest.mark.parametrize("operation", KNOWN)
async def test_a_worthless_token_opens_nothing(seeded: Seeded, operation: Operation) -> None:
    """Also where a request without any token is answered."""
    ask = EXAMPLES[operation.name](seeded)
    role = next(role for role in operation.roles if role not in ALONE)
    claims = {
        Role.HOUSEHOLD: {"household": ask.whose.id},
        Role.PERSON: {"person": ask.whose.members[0].id},
    }.get(role, {"division": ask.whose.division})
    opened = {}
    for wrong, token in (await worthless(seeded.house, role, **claims)).items():
        answer = await send(seeded.house.http, operation, ask, token)
        if answer.status_code != 401:
            opened[wrong] = answer.status_code
    assert opened == {}


@pytest.mark.parametrize("operation", KNOWN)
async def test_without_a_token_only_what_is_public_is_answered(
    seeded: Seeded, operation: Operation
) -> None:
    answer = await send(seeded.house.http, operation, EXAMPLES[operation.name](seeded), None)
    assert answer.status_code == (200 if operation.is_public else 401)


@pytest.mark.parametrize("operation", KNOWN)
async def test_no_other_role_may(seeded: Seeded, operation: Operation) -> None:
    ask = EXAMPLES[operation.name](seeded)
    answers = {}
    for role in set(Role) - {Role.PUBLIC} - set(operation.roles):
        token = right_token(seeded, role, ask.whose)
        answers[str(role)] = (await send(seeded.house.http, operation, ask, token)).status_code
    assert {role: status for role, status in answers.items() if status != 403} == {}


@pytest.mark.parametrize("operation", KNOWN)
async def test_another_area_finds_nothing(seeded: Seeded, operation: Operation) -> None:
    ask = EXAMPLES[operation.name](seeded)
    told = {}
    for role in set(operation.roles) - ask.open_to:
        for who, token in wrong_tokens(seeded, role, ask.whose).items():
            answer = await send(seeded.house.http, operation, ask, token)
            if not _hides(answer, operation, ask, role):
                told[who] = (answer.status_code, answer.text[:300])
    assert told == {}


@pytest.mark.parametrize("operation", KNOWN)
async def test_who_may_is_answered(seeded: Seeded, operation: Operation) -> None:
    """Otherwise nothing above would prove anything; the first one finds the state untouched."""
    ask = EXAMPLES[operation.name](seeded)
    answers = {}
    for role in operation.roles:
        token = right_token(seeded, role, ask.whose)
        answers[str(role)] = await send(seeded.house.http, operation, ask, token)
    odd = {
        role: (answer.status_code, answer.text[:300])
        for role, answer in answers.items()
        if not (answer.is_success or (answer.status_code == 409 and operation.method != "get"))
    }
    assert odd == {}
    assert any(answer.is_success for answer in answers.values()), [
        answer.text for answer in answers.values()
    ]


def _hides(answer: httpx.Response, operation: Operation, ask: Ask, role: Role) -> bool:
    """404, or a list of other things."""
    if answer.status_code == 404:
        return True
    is_list = operation.method == "get" and "{" not in operation.path
    about = {str(ask.whose.id), ask.whose.number, str(ask.whose.members[0].id)}
    if role not in (Role.HOUSEHOLD, Role.PERSON):
        about.add(ask.whose.division)
    return answer.status_code == 200 and is_list and not any(one in answer.text for one in about)
