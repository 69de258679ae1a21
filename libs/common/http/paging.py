"""Keyset paging: a page is one statement, its JSON PostgreSQL's own bytes, its cursor opaque."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
from fastapi import Depends, Query
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    case,
    func,
    literal,
    select,
    tuple_,
)
from starlette.responses import Response

from libs.common.db.database import Connection
from libs.common.db.statement import Given, Statement, param, rows_json
from libs.common.http.problems import Problem
from libs.common.http.wire import Answer

Item = TypeVar("Item")

MOST = 200
USUAL = 50
_FORM = 1
_LARGEST = 2**63


def _instant(value: str) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError("an instant without a time zone")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("an instant outside the calendar") from None


def _text(value: str) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("no text that PostgreSQL stores")
    return value


def _whole(value: int) -> int:
    if type(value) is not int or not -_LARGEST <= value < _LARGEST:
        raise ValueError("no integer that PostgreSQL stores")
    return value


_READERS: dict[type, Callable[[Any], Any]] = {
    datetime: _instant,
    date: date.fromisoformat,
    UUID: UUID,
    str: _text,
    int: _whole,
}


class Paged(Statement):
    """A list in the order of `key`, read page by page.

    Its builder gets the names of the filters asked for and returns the rows; the order, the place
    to start from and the limit are added here. The last column of `key` is unique.
    """

    def __init__(self, build: Callable[[Given], Select[Any]], key: tuple[Any, ...]) -> None:
        def page(given: Given) -> Select[Any]:
            return _page(build(given), key, given)

        page.__name__, page.__doc__ = build.__name__, build.__doc__
        super().__init__(page)
        self._readers = [_READERS[column.type.python_type] for column in key]

    def place(self, cursor: str | None) -> dict[str, Any]:
        """Where a cursor of this list points to, as the statement's arguments."""
        if cursor is None:
            return {}
        try:
            form, name, *values = orjson.loads(_decoded(cursor))
            if (form, name) != (_FORM, self.name):
                raise ValueError("a cursor of another list")
            read = zip(self._readers, values, strict=True)
            return {f"after_{n}": reader(value) for n, (reader, value) in enumerate(read)}
        except (ValueError, TypeError, AttributeError):
            raise Problem("invalid_cursor") from None

    def cursor(self, key: bytes) -> bytes:
        """The cursor after the row whose key is this JSON array."""
        place = b'[%d,"%s",%s' % (_FORM, self.name.encode(), key.strip()[1:])
        return base64.urlsafe_b64encode(place).rstrip(b"=")


def paged(*key: Any) -> Callable[[Callable[[Given], Select[Any]]], Paged]:
    """`@paged(need.c.created_at, need.c.id)` makes a builder a list that is read in pages."""
    return lambda build: Paged(build, key)


def _page(rows: Select[Any], key: tuple[Any, ...], given: Given) -> Select[Any]:
    """One row more than asked for is fetched: it tells whether a next page exists."""
    keys = [column.label(f"key_{n}") for n, column in enumerate(key)]
    if "after_0" in given:
        after = [param(f"after_{n}", column.type) for n, column in enumerate(key)]
        rows = rows.where(tuple_(*key) > tuple_(*after))
    # A limit it does not know makes PostgreSQL plan anew each time, which is half of a page's cost.
    limit = param("limit", BigInteger) if "limit" in given else literal(USUAL)
    fetched = rows.add_columns(*keys).order_by(*key).limit(limit + 1).cte("fetched")
    columns = list(fetched.c)
    own, order = columns[: -len(key)], columns[-len(key) :]
    page = select(*own).order_by(*order).limit(limit)
    return select(
        rows_json(page).label("items"),
        case((_count(fetched) > limit, _last_key(order, limit))).label("next"),
        func.least(_count(fetched), limit).label("count"),
    )


def _count(fetched: FromClause) -> ColumnElement[int]:
    return select(func.count()).select_from(fetched).scalar_subquery()


def _last_key(order: Sequence[ColumnElement[Any]], limit: ColumnElement[int]) -> ColumnElement[Any]:
    key = select(func.json_build_array(*order)).order_by(*order)
    return key.offset(limit - 1).limit(1).scalar_subquery()


def _decoded(cursor: str) -> bytes:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("not base64") from None


class Items(Answer, Generic[Item]):
    """A page; `next` is the `cursor` of the following one, null at the end."""

    items: list[Item]
    next: str | None


class Page:
    """The page a request asks for."""

    def __init__(self, limit: int, cursor: str | None) -> None:
        self.limit, self._cursor = limit, cursor

    async def of(
        self,
        connection: Connection,
        rows: Paged,
        *,
        beside: Mapping[str, Any] | None = None,
        seen: Callable[[int], None] | None = None,
        **filters: Any,
    ) -> Response:
        """`{"items": […], "next": cursor or null}`, with the members of `beside` after them.

        `seen` is told how many rows are on the page: a list of persons notes who read how many.
        """
        limit = None if self.limit == USUAL else self.limit
        found = await connection.row(rows, limit=limit, **rows.place(self._cursor), **filters)
        following = b"null"
        if found is not None and found["next"] is not None:
            following = b'"%s"' % rows.cursor(found["next"])
        if seen is not None and found is not None:
            seen(found["count"])
        items = b"[]" if found is None else found["items"]
        more = b"," + orjson.dumps(beside)[1:-1] if beside else b""
        body = b'{"items":%s,"next":%s%s}' % (items, following, more)
        return Response(body, media_type="application/json")


async def _asked(
    limit: Annotated[int, Query(ge=1, le=MOST)] = USUAL,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> Page:
    return Page(limit, cursor)


AskedPage = Annotated[Page, Depends(_asked)]
"""`page: AskedPage`, then `return await page.of(connection, queries.needs, category=category)`."""
