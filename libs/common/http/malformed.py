"""What is wrong with a request, place by place: never the value, which could be an identifier."""

import re
from collections.abc import Sequence
from typing import Any

from libs.common.http.problems import Problem
from libs.common.language import Words

_OUR_NAME = re.compile(r"[A-Za-z_-]+[0-9]{0,2}")

_MESSAGES: dict[str, Words] = {
    "missing": {"zh": "必填", "en": "is needed"},
    "extra_forbidden": {"zh": "没有这个字段", "en": "is not a known field"},
    "string_type": {"zh": "应为文本", "en": "should be text"},
    "string_too_short": {
        "zh": "至少 {min_length} 个字符",
        "en": "should have at least {min_length} characters",
    },
    "string_too_long": {
        "zh": "最多 {max_length} 个字符",
        "en": "should have at most {max_length} characters",
    },
    "string_pattern_mismatch": {"zh": "格式不符", "en": "does not have the right form"},
    "too_short": {"zh": "至少 {min_length} 项", "en": "should have at least {min_length} items"},
    "too_long": {"zh": "最多 {max_length} 项", "en": "should have at most {max_length} items"},
    "int_type": {"zh": "应为整数", "en": "should be an integer"},
    "int_parsing": {"zh": "应为整数", "en": "should be an integer"},
    "int_from_float": {"zh": "应为整数", "en": "should be an integer"},
    "bool_type": {"zh": "应为 true 或 false", "en": "should be true or false"},
    "bool_parsing": {"zh": "应为 true 或 false", "en": "should be true or false"},
    "decimal_parsing": {"zh": "应为数值", "en": "should be a number"},
    "float_parsing": {"zh": "应为数值", "en": "should be a number"},
    "greater_than": {"zh": "应大于 {gt}", "en": "should be greater than {gt}"},
    "greater_than_equal": {"zh": "不应小于 {ge}", "en": "should be at least {ge}"},
    "less_than": {"zh": "应小于 {lt}", "en": "should be less than {lt}"},
    "less_than_equal": {"zh": "不应大于 {le}", "en": "should be at most {le}"},
    "enum": {"zh": "应为以下之一：{expected}", "en": "should be one of {expected}"},
    "literal_error": {"zh": "应为以下之一：{expected}", "en": "should be one of {expected}"},
    "uuid_type": {"zh": "应为 UUID", "en": "should be a UUID"},
    "uuid_parsing": {"zh": "应为 UUID", "en": "should be a UUID"},
    "date_parsing": {"zh": "应为日期（年-月-日）", "en": "should be a date (YYYY-MM-DD)"},
    "date_from_datetime_parsing": {
        "zh": "应为日期（年-月-日）",
        "en": "should be a date (YYYY-MM-DD)",
    },
    "datetime_parsing": {"zh": "应为 RFC 3339 时刻", "en": "should be an RFC 3339 instant"},
    "timezone_aware": {"zh": "时刻应带时区", "en": "should have a time zone"},
    "json_invalid": {"zh": "不是有效的 JSON", "en": "is not valid JSON"},
    "model_attributes_type": {"zh": "应为 JSON 对象", "en": "should be a JSON object"},
    "model_type": {"zh": "应为 JSON 对象", "en": "should be a JSON object"},
    "dict_type": {"zh": "应为 JSON 对象", "en": "should be a JSON object"},
    "list_type": {"zh": "应为 JSON 数组", "en": "should be a JSON array"},
}
_OTHERWISE: Words = {"zh": "不符合要求", "en": "is not acceptable here"}
_BOUNDS = {"min_length", "max_length", "gt", "ge", "lt", "le", "expected"}
_MOST = 50
_IDEMPOTENCY = ("header", "idempotency-key")


def malformed(errors: Sequence[Any]) -> Problem:
    """The problem for pydantic's errors: place, kind and words of each, at most fifty of them."""
    if any(error["loc"] == _IDEMPOTENCY and error["type"] == "missing" for error in errors):
        return Problem("idempotency_key_required")
    return Problem("malformed", errors=[_place(error) for error in errors[:_MOST]])


def at(where: str, name: str, code: str, message: Words) -> Problem:
    """The problem of one place that a dependency looked at itself."""
    return Problem(
        "malformed", errors=[{"in": where, "name": name, "code": code, "message": message}]
    )


def _place(error: Any) -> dict[str, Any]:
    kind, location = error["type"], error["loc"]
    bounds = {name: value for name, value in error.get("ctx", {}).items() if name in _BOUNDS}
    place = {"code": kind, "message": _message(kind, bounds)}
    where, *path = location or ("body",)
    if where != "body":
        return {"in": where, "name": _name(path[0] if path else ""), **place}
    if kind == "json_invalid":
        path = []
    return {"in": where, "pointer": "".join(f"/{_name(part)}" for part in path), **place}


def _message(kind: str, bounds: dict[str, Any]) -> Words:
    words = _MESSAGES.get(kind, _OTHERWISE)
    try:
        return {"zh": words["zh"].format(**bounds), "en": words["en"].format(**bounds)}
    except KeyError:
        return _OTHERWISE


def _name(part: str | int) -> str:
    """A key that a caller made up may be an identifier: only what looks like ours is repeated."""
    return str(part) if isinstance(part, int) or _OUR_NAME.fullmatch(part) else "…"
