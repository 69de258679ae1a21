"""Values and bodies that nobody sends by mistake."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

MARKER = "621123198001019015"
"""A resident identity number that no answer may repeat."""
PHONE = "13900008888"

VALUES: Mapping[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "below zero": b"-1",
    "over 32 bits": b"2147483648",
    "over 64 bits": b"9223372036854775808",
    "ten thousand digits": b"9" * 10_000,
    "infinite": b"1e400",
    "no number": b"NaN",
    "an array": b"[[]]",
    "an object": b'{"621123198001019015": "13900008888"}',
    "empty": b'""',
    "NUL": rb'"a\u0000b"',
    "half a character": rb'"\ud800"',
    "a huge exponent": b'"0E+999999999"',
    "a tiny number": b'"1E-999999999"',
    "endless": b'"' + b"x" * 5_000 + b'"',
    "an identity": b'"621123198001019015"',
    "full-width digits": '"６２１１２３１００２０１"'.encode(),
    "SQL": b'"\'; DROP TABLE need; --"',
    "the first day": b'"0001-01-01"',
    "the last day": b'"9999-12-31"',
    "a day that is none": b'"2019-02-30"',
}
BODIES: Mapping[str, bytes] = {
    "nothing": b"",
    "half": b'{"household_id": "',
    "another encoding": b'{"name": "\xff\xfe\x80"}',
    "a mark": b'\xef\xbb\xbf{"a": 1}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "deep": b"[" * 100_000,
    "deep and whole": b"[" * 5_000 + b"]" * 5_000,
    "deep objects": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "a long number": b"1" * 10_000,
    "a text": b'"621123198001019015"',
    "null": b"null",
    "an identity as a key": b'{"621123198001019015": "621123198001019015"}',
    "the same twice": b'{"division": "621123198001019015", "division": "13900008888"}',
    "a letter cut in two": rb'{"\ud800": "\ud800"}',
}
TYPES = (
    *("text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data"),
    *("application/json; charset=utf-16", "application/621123198001019015", ""),
)
TEXTS: Mapping[str, str] = {
    "empty": "",
    "NUL": "a\0b",
    "an identity": MARKER,
    "an identity of a system": f"household|{MARKER}",
    "NUL of a system": "household|\0",
    "full-width digits": "６２１１２３１００２０１",
    "endless": "9" * 5_000,
    "SQL": "'; DROP TABLE need; --",
    "a pattern": "%",
    "up": "../../etc/passwd",
    "no uuid": "00000000-0000-0000-0000-00000000000g",
    "below zero": "-1",
    "over 64 bits": "9223372036854775808",
    "infinite": "inf",
    "the first day": "0001-01-01",
    "the last day": "9999-12-31",
    "half a character": "\U0010ffff\u202e",
}
HEADERS: Mapping[str, tuple[str, ...]] = {
    "if-match": ("*", '"', '""', 'W/"1"', '"-1"', '"999999999999999999"', f'"{MARKER}"', "１"),
    "idempotency-key": ("", " ", "x" * 200, "\x80", "键"),
    "accept-language": ("*", ";q=", "zh;q=nan", "," * 500, f"{MARKER}-zh;q=9", "\xff"),
    "x-request-id": (MARKER, f"trace-{PHONE}", "x" * 500, "\xff", "a b"),
    "traceparent": (f"00-{MARKER}", "00-" + "0" * 32 + "-" + "0" * 16 + "-00", "x" * 500),
}


def bodies_of(body: Any) -> Iterator[tuple[str, bytes]]:
    """The body with one of its values, at any depth, replaced; and with a field too many."""
    for place in _places(body):
        for name, value in VALUES.items():
            yield f"{'/'.join(map(str, place))} is {name}", _with(body, place, value)
    yield "a field too many", orjson.dumps({**body, f"姓{MARKER}": PHONE})


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(inner, (*at, key))


def _with(body: Any, place: tuple[Any, ...], value: bytes) -> bytes:
    def written(inner: Any, at: tuple[Any, ...]) -> bytes:
        if not at:
            return value
        if isinstance(inner, list):
            parts = [
                written(each, at[1:]) if key == at[0] else orjson.dumps(each)
                for key, each in enumerate(inner)
            ]
            return b"[" + b",".join(parts) + b"]"
        parts = [
            orjson.dumps(key)
            + b":"
            + (written(each, at[1:]) if key == at[0] else orjson.dumps(each))
            for key, each in inner.items()
        ]
        return b"{" + b",".join(parts) + b"}"

    return written(body, place)


def cursors(real: str) -> Iterator[str]:
    """A cursor that was given out, with other values in its places."""
    form, name, *values = orjson.loads(base64.urlsafe_b64decode(real + "=" * (-len(real) % 4)))
    odd: tuple[Any, ...] = (
        *(None, True, 1, 2**63, -1.5, "", "\0", "x", [], {}, MARKER, "％"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2019-06-01T00:00:00"),
        "00000000-0000-0000-0000-000000000000",
    )
    for place in range(len(values)):
        for value in odd:
            yield _cursor([form, name, *values[:place], value, *values[place + 1 :]])
    yield _cursor([form, name])
    yield _cursor([form, "needs", *values, *values])
    yield _cursor([2, name, *values])
    yield _cursor({"form": form})
    yield from ("=", "x", "[]", "AAAA", "\0", "游标", "x" * 600, real[:-1], real + "A")


def _cursor(document: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(document)).rstrip(b"=").decode()
