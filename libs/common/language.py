"""The two languages people are answered in, and the choice between them by Accept-Language."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, TypedDict, TypeGuard

from libs.common import context

Language = Literal["zh", "en"]


class Words(TypedDict):
    """The same words in both languages."""

    zh: str
    en: str


def wanted() -> Language:
    """What whoever asks now, in the request that is being served, wants to be answered in."""
    return negotiate(context.accept_language())


@lru_cache(maxsize=256)
def negotiate(accept_language: str | None) -> Language:
    """The language wanted most; Chinese when neither is asked for or both are wanted alike."""
    qualities: dict[Language, float] = {}
    for part in (accept_language or "").lower().split(","):
        tag, _, parameters = part.strip().partition(";")
        primary, quality = tag.strip().partition("-")[0], _quality(parameters)
        for language in ("zh", "en") if primary == "*" else (primary,):
            if language == "zh" or language == "en":
                qualities[language] = max(quality, qualities.get(language, 0.0))
    return "en" if qualities.get("en", 0.0) > qualities.get("zh", 0.0) else "zh"


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def is_words(value: Any) -> TypeGuard[Words]:
    return isinstance(value, Mapping) and value.keys() == {"zh", "en"}


def localise(value: Any, language: Language) -> Any:
    """`value` with every `Words` in it replaced by the words of one language."""
    if is_words(value):
        return value[language]
    if isinstance(value, Mapping):
        return {key: localise(item, language) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [localise(item, language) for item in value]
    return value
