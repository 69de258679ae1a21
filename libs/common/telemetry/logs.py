"""Logs: one chain for our own lines and those of the libraries; ids and phones are masked in all.

`log = structlog.get_logger()` anywhere; a line within a request carries its id, and what
`structlog.contextvars` binds, such as the caller's role. Lines go to standard error: standard
output belongs to a command's answer.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from libs.common import context
from libs.common.people.masking import scrub


def _with_request(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    if request_id := context.request_id():
        line.setdefault("request_id", request_id)
    return line


_GATHERED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    _with_request,
    structlog.processors.add_log_level,
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
]
_DEEP = 8
_THREE_DIGITS = re.compile(
    r"\d{3}"
)  # every id and phone has as many in a row; most values have not
_SHORTEST_NUMBER = 10**6  # a telephone number without its area code has seven digits


def configure_logs(
    *, readable: bool, level: int = logging.INFO, stream: TextIO | None = None
) -> None:
    """JSON lines, or a readable console for the embedded system; the libraries' own lines too.

    uvicorn is started with `log_config=None`, otherwise it puts its own handlers back.
    """
    out = stream or sys.stderr
    last: list[Processor] = [
        masked,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _console(colors=out.isatty()) if readable else _json,
    ]
    structlog.configure(
        processors=[*_GATHERED, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    _route_standard_logging(last, level, out)


def _route_standard_logging(last: list[Processor], level: int, out: TextIO) -> None:
    formatter = structlog.stdlib.ProcessorFormatter
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        formatter(
            processors=[formatter.remove_processors_meta, *last],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_GATHERED],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each call between services


def _console(*, colors: bool) -> Processor:
    plain = structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)


def _json(_: WrappedLogger, __: str, line: EventDict) -> str:
    return orjson.dumps(line).decode()


def masked(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """No resident id or phone leaves the process in a log, wherever in the line it stands."""
    return {key: _masked(value, _DEEP) for key, value in line.items()}


def _masked(value: Any, deep: int) -> Any:
    match value:
        case None | bool() | float():
            return value
        case str():
            return scrub(value) if _THREE_DIGITS.search(value) else value
        case int():
            return value if abs(value) < _SHORTEST_NUMBER else _masked_number(value)
        case Mapping() if deep:
            return {_masked(str(key), 0): _masked(item, deep - 1) for key, item in value.items()}
        case list() | tuple() | set() | frozenset() if deep:
            return [_masked(item, deep - 1) for item in value]
        case _:
            return scrub(str(value))


def _masked_number(value: int) -> int | str:
    text = str(value)
    shown = scrub(text)
    return value if shown == text else shown
