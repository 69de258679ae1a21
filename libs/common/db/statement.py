"""Statements: written in SQLAlchemy Core against the tables, compiled once, run by asyncpg."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    BindParameter,
    ClauseElement,
    ColumnElement,
    Select,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects.postgresql.asyncpg import PGCompiler_asyncpg, PGDialect_asyncpg
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

Given = frozenset[str]
Build = Callable[[], ClauseElement] | Callable[[Given], ClauseElement]


class _Compiler(PGCompiler_asyncpg):
    """A builder sees no request, so what it fixes is written into the SQL; params are `$n`."""

    def visit_bindparam(self, bindparam: Any, *places: Any, **kw: Any) -> Any:
        if not bindparam.required:
            kw["literal_binds"] = True
        return super().visit_bindparam(bindparam, *places, **kw)  # type: ignore[no-untyped-call]


class _Dialect(PGDialect_asyncpg):
    statement_compiler = _Compiler
    supports_statement_cache = False


DIALECT: Dialect = _Dialect(  # type: ignore[no-untyped-call]
    json_serializer=lambda value: orjson.dumps(value).decode()
)


def param(
    name: str, type_: TypeEngine[Any] | type[TypeEngine[Any]] | None = None
) -> BindParameter[Any]:
    """A value that each call gives: `$n` in the SQL."""
    return bindparam(name, type_=type_, required=True)


def any_of(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """`column = ANY ($n)`: one SQL text for a list of any length."""
    return column == func.any(param(name, ARRAY(column.type)))


@dataclass(frozen=True, slots=True)
class Sql:
    text: str
    binds: tuple[tuple[str, Callable[[Any], Any] | None], ...]

    def arrange(self, given: Mapping[str, Any]) -> list[Any]:
        names = {name for name, _ in self.binds}
        if names != set(given):
            raise TypeError(f"statement takes {sorted(names)}, was given {sorted(given)}")
        return [given[n] if convert is None else convert(given[n]) for n, convert in self.binds]


def compile_once(statement: ClauseElement) -> Sql:
    compiled: Any = statement.compile(dialect=DIALECT)
    names = tuple(compiled.positiontup or ())
    converters = tuple(
        compiled.binds[name].type.dialect_impl(DIALECT).bind_processor(DIALECT) for name in names
    )
    return Sql(str(compiled), tuple(zip(names, converters, strict=True)))


class Statement:
    """A builder and its compiled forms, one for each set of arguments it was called with.

    A builder that takes `given` leaves out what is None; one without it gets every argument.
    """

    def __init__(self, build: Build) -> None:
        self.__doc__, self.name = build.__doc__, build.__name__
        self._build: Any = build
        self._optional = bool(inspect.signature(build).parameters)
        self._compiled: dict[Given, Sql] = {}

    def bind(self, given: Mapping[str, Any]) -> tuple[str, list[Any]]:
        if self._optional:
            given = {name: value for name, value in given.items() if value is not None}
        key = frozenset(given) if self._optional else frozenset()
        if (sql := self._compiled.get(key)) is None:
            sql = compile_once(self._build(key) if self._optional else self._build())
            self._compiled[key] = sql
        return sql.text, sql.arrange(given)


statement = Statement


def row_json(row: Select[Any], *beside: str) -> Select[Any]:
    """Each row as `body`, a JSON object with the column names as keys; `beside` also by themselves.

    The rows get a name that nobody chose: a column called like them would be taken for the row.
    """
    rows = row.subquery()
    body = func.row_to_json(rows.table_valued()).label("body")
    return select(body, *(rows.c[name] for name in beside))


def rows_json(rows: Select[Any]) -> Select[Any]:
    """All rows as one JSON array, empty when there is none; inside another SELECT, `.label(…)`."""
    row = rows.subquery()
    return select(func.coalesce(func.json_agg(func.row_to_json(row.table_valued())), "[]"))
