"""The catalogue of problems: complete, in both languages, and the only one in use."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from libs.common.http.problems import Problem, catalogue

_ROOT = Path(__file__).parents[3]


def _trees() -> Iterator[tuple[Path, ast.Module]]:
    for folder in ("libs", "services", "cli"):
        for path in sorted((_ROOT / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text("utf-8"))


def _raised() -> Iterator[tuple[str, str, set[str] | None]]:
    """Where a problem is made with a code written there: place, code, parameters if seen."""
    for path, tree in _trees():
        for node in ast.walk(tree):
            match node:
                case ast.Call(
                    func=ast.Name(id="Problem"), args=[ast.Constant(value=str(code)), *_]
                ):
                    names = [keyword.arg for keyword in node.keywords]
                    place = f"{path.relative_to(_ROOT)}:{node.lineno}"
                    yield place, code, None if None in names else {name for name in names if name}


def _fields(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field}


def test_every_problem_in_the_source_is_in_the_catalogue() -> None:
    unknown = {place: code for place, code, _ in _raised() if code not in catalogue()}
    assert unknown == {}


def test_every_problem_in_the_source_gives_what_its_texts_need() -> None:
    lacking = {
        place: missing
        for place, code, given in _raised()
        if given is not None and code in catalogue()
        if (missing := catalogue()[code].needed - given)
    }
    assert lacking == {}


def test_every_code_of_the_catalogue_is_used() -> None:
    words = {
        node.value
        for _, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(catalogue()) - words == set()


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_both_languages_say_the_same(code: str) -> None:
    entry = catalogue()[code]
    assert _fields(entry.detail["zh"]) == _fields(entry.detail["en"])
    assert 400 <= entry.status < 600
    params: dict[str, Any] = {name: ["a", "b"] for name in entry.needed}
    for language in ("zh", "en"):
        body = Problem(code, **params).body(language)
        assert body["code"] == code
        assert body["title"]
        assert "{" not in body["detail"]


def test_a_problem_without_what_its_text_needs_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="clauses"):
        Problem("refused")


def test_words_in_parameters_are_answered_in_the_language_asked_for() -> None:
    reason = {"zh": "已有人就业", "en": "somebody works already"}
    problem = Problem("refused", clauses=["PW-ELIG-1", "PW-ONE-1"], reasons=[{"why": reason}])
    assert problem.body("zh")["detail"] == "按 PW-ELIG-1、PW-ONE-1 不予办理。"
    assert problem.body("en")["detail"] == "Refused under PW-ELIG-1, PW-ONE-1."
    assert problem.body("en")["reasons"] == [{"why": "somebody works already"}]


def test_nothing_is_shown_that_the_catalogue_does_not_list() -> None:
    body = Problem("not_found", number="622421199001011234").body("zh")
    assert "622421199001011234" not in str(body)
