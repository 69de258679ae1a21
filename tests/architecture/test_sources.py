"""What linters cannot say about the source: size, where the environment is read, what is banned."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.services import NAMES, ROOT, sources

CODE = ("libs", "services", "cli")
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
ENVIRONMENT = {("os", "environ"), ("os", "getenv"), ("os", "environb"), ("os", "putenv")}


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _trees(*folders: str) -> list[tuple[str, ast.Module]]:
    return [(_named(path), ast.parse(path.read_text("utf-8"))) for path in sources(*folders)]


def test_no_file_is_too_long_to_read() -> None:
    lengths = {
        _named(path): len(path.read_text("utf-8").splitlines())
        for path in sources(*CODE, "tests", "benchmarks")
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_no_function_is_too_long_to_read() -> None:
    long = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in _trees(*CODE)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


def test_every_module_says_what_it_is() -> None:
    assert [name for name, tree in _trees(*CODE) if not ast.get_docstring(tree)] == []


def test_only_settings_read_the_environment() -> None:
    readers = {
        name
        for name, tree in _trees(*CODE)
        for node in ast.walk(tree)
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and (node.value.id, node.attr) in ENVIRONMENT
        )
        or (
            isinstance(node, ast.ImportFrom)
            and any((node.module, alias.name) in ENVIRONMENT for alias in node.names)
        )
    }
    assert readers - {"libs/common/settings.py"} == set()


@pytest.mark.parametrize("word", [
    pytest.param("BaseHTTPMiddleware", id="its body is read in a task of its own: pure ASGI only"),
    pytest.param("AsyncSession", id="statements are compiled once and run by asyncpg"),
    pytest.param("get_server", id="the embedded server is ours to stop"),
])  # fmt: skip
def test_what_was_measured_and_rejected_stays_out(word: str) -> None:
    used = [
        f"{name}:{node.lineno}"
        for name, tree in _trees(*CODE)
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id == word)
        or (isinstance(node, ast.Attribute) and node.attr == word)
        or (isinstance(node, ast.alias) and node.name == word)
    ]
    assert used == []


@pytest.mark.parametrize("name", NAMES)
def test_no_service_names_another_services_roles(name: str) -> None:
    others = "|".join(other for other in NAMES if other != name)
    foreign = re.compile(rf"\b({others})_(owner|app|self|public|worker)\b")
    found = [
        f"{_named(path)}: {match.group()}"
        for suffix in ("*.py", "*.sql")
        for path in (ROOT / "services" / name).rglob(suffix)
        for match in foreign.finditer(path.read_text("utf-8"))
    ]
    assert found == []
