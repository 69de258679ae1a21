"""What a command says: to people in Chinese or English, to programs as one JSON document."""

import sys
from collections.abc import Mapping
from typing import Any, Literal, NoReturn

import typer

Language = Literal["zh", "en"]

_spoken: list[Language] = ["en"]
_hushed: list[bool] = []


def speak(language: str) -> None:
    """`zh` or `en`, or a locale such as `zh_CN.UTF-8`: what is not Chinese is English."""
    _spoken[:] = ["zh" if language.lower().startswith("zh") else "en"]
    _hushed.clear()


def language() -> Language:
    return _spoken[0]


def chosen(zh: str, en: str) -> str:
    return zh if language() == "zh" else en


def hush() -> None:
    """From here on only documents go to standard output."""
    _hushed.append(True)


def hushed() -> bool:
    return bool(_hushed)


def say(zh: str, en: str | None = None) -> None:
    """One text is for both languages."""
    if not _hushed:
        print(zh if en is None else chosen(zh, en), flush=True)


def aside(line: str) -> None:
    """To be pasted rather than read."""
    if not _hushed:
        typer.secho(line, dim=True)


def fail(zh: str, en: str, *, status: int = 2) -> NoReturn:
    """End the command; standard output stays what it was asked for."""
    print(chosen(zh, en), file=sys.stderr, flush=True)
    raise typer.Exit(status)


def answer(document: Mapping[str, Any]) -> None:
    """The one document of `--json`."""
    import orjson

    print(orjson.dumps(document, default=str).decode(), flush=True)
