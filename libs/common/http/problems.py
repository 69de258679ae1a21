"""Problems: RFC 9457 answers with a stable code from one catalogue, in the reader's language."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from string import Formatter
from typing import Any

import orjson
from starlette.responses import Response

from libs.common import context
from libs.common.language import Language, Words, localise, wanted

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Entry:
    """One code of the catalogue."""

    status: int
    title: Words
    detail: Words
    remedy: Words | None = None
    shown: tuple[str, ...] = ()
    challenge: str | None = None
    retry_after: int | None = None

    @cached_property
    def needed(self) -> frozenset[str]:
        """The parameters that the texts are written with."""
        texts = [self.detail[language] for language in ("zh", "en")]
        fields = {field for text in texts for _, field, _, _ in Formatter().parse(text) if field}
        return frozenset(fields - {"retry_after"})


@cache
def catalogue() -> Mapping[str, Entry]:
    found = tomllib.loads(Path(__file__).with_name("problems.toml").read_text("utf-8"))
    return {
        code: Entry(**entry | {"shown": tuple(entry.get("shown", ()))})
        for code, entry in found.items()
    }


class Problem(Exception):
    """A request that cannot be answered as asked: a code, and the parameters of its texts.

    Parameters may hold `Words`; those that the catalogue lists as shown become members of the
    answer, `retry_after` (seconds) becomes a header.
    """

    def __init__(self, code: str, /, **params: Any) -> None:
        super().__init__(code)
        entry = catalogue()[code]
        if missing := entry.needed - params.keys():
            raise TypeError(f"problem {code} needs {sorted(missing)}")
        self.code, self.params = code, params
        self.status, self.challenge = entry.status, entry.challenge
        self.retry_after: int | None = params.get("retry_after", entry.retry_after)

    def body(self, language: Language) -> dict[str, Any]:
        """The members of the answer, without the request's own."""
        entry = catalogue()[self.code]
        params = localise(self.params | {"retry_after": self.retry_after}, language)
        members: dict[str, Any] = {
            "type": f"urn:weiyuan:problem:{self.code}",
            "title": entry.title[language],
            "status": self.status,
            "detail": entry.detail[language].format(**_as_text(params, language)),
            "code": self.code,
        }
        if entry.remedy:
            members["remedy"] = entry.remedy[language]
        return members | {name: params[name] for name in entry.shown if name in params}

    def headers(self) -> dict[str, str]:
        headers = {"Vary": "Accept-Language"}
        if self.challenge is not None:
            error = f', error="{self.challenge}"' if self.challenge else ""
            headers["WWW-Authenticate"] = f'Bearer realm="weiyuan"{error}'
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        return headers

    def response(self) -> Response:
        """The answer to the request that is being served."""
        language = wanted()
        body = self.body(language)
        if request_id := context.request_id():
            body["request_id"] = request_id
        headers = self.headers() | {"Content-Language": language}
        return Response(orjson.dumps(body, default=str), self.status, headers, MEDIA_TYPE)


class Relayed(Problem):
    """A problem that another service answered with, passed on as it is."""

    def __init__(self, status: int, members: Mapping[str, Any], retry_after: int | None) -> None:
        Exception.__init__(self, members["code"])
        self.code, self.params = members["code"], dict(members)
        self.status, self.retry_after = status, retry_after
        self.challenge = "invalid_token" if status == 401 else None

    def body(self, language: Language) -> dict[str, Any]:  # noqa: ARG002 (chosen over there)
        return dict(self.params)


def _as_text(params: Mapping[str, Any], language: Language) -> dict[str, Any]:
    comma = "、" if language == "zh" else ", "
    nothing = "无" if language == "zh" else "nothing"
    return {
        name: (comma.join(map(str, value)) or nothing) if isinstance(value, list) else value
        for name, value in params.items()
    }
