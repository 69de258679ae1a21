"""`make mutate`: each comparison, constant and clause parameter is changed; a test has to notice.

mutmut was tried: it leaves TOML and whatever stands outside functions alone, half of a rule here.
"""

import ast
import copy
import os
import re
import shutil
import signal
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import pydantic  # noqa: F401  imported once, before the forks, as pytest is
import pytest
from rich.console import Console
from rich.progress import track

ROOT = Path(__file__).parents[1]
TARGETS = (
    ("services/employment/posts", "rules.py cases.py clauses/*.toml",
     "tests/employment/posts/test_rules.py tests/employment/posts/test_questions.py"),
    ("libs/common/policy", "clauses.py findings.py decisions.py",
     "tests/common/policy/test_findings.py tests/common/policy/test_clauses.py"
     " tests/common/policy/test_decisions.py"),
)  # fmt: skip
"""A folder, what in it is changed, and the tests that are to notice."""

OPPOSITE: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.And: ast.Or, ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add,
}  # fmt: skip
TYPES = {"annotation", "returns", "decorator_list", "bases", "slice"}


Change = Callable[[Any], None]


class Mutant(NamedTuple):
    path: str
    label: str
    text: str
    tests: str


def changes(node: ast.AST) -> Iterator[Change]:
    """Each changes a copy of the node in place."""
    match node:
        case ast.Compare(ops=ops):
            yield from (partial(swap, k) for k in range(len(ops)))
        case ast.BoolOp(op=op) | ast.BinOp(op=op) if type(op) in OPPOSITE:
            yield lambda n: setattr(n, "op", OPPOSITE[type(op)]())
        case ast.If(test=test) | ast.IfExp(test=test):
            yield lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), test))
        case ast.Constant(value=bool() as value):
            yield lambda n: setattr(n, "value", not value)
        case ast.Constant(value=int() as value):
            yield lambda n: setattr(n, "value", value + 1)
            yield lambda n: setattr(n, "value", value - 1)
        case ast.Call(args=items) if items[1:]:
            yield from (partial(drop, k, ["args"]) for k in range(len(items)))
        case ast.List(elts=items) | ast.Tuple(elts=items) if items[1:]:
            yield from (partial(drop, k, ["elts"]) for k in range(len(items)))
        case ast.Dict(keys=keys):
            yield from (partial(drop, k, ["keys", "values"]) for k in range(len(keys)))


def swap(k: int, node: Any) -> None:
    node.ops[k] = OPPOSITE[type(node.ops[k])]()


def drop(k: int, fields: list[str], node: Any) -> None:
    for field in fields:
        del getattr(node, field)[k]


def behaviour(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the rules do: no types, no decorators, no class headers."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in TYPES or (isinstance(node, ast.ClassDef) and name == "keywords"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from behaviour(child)


def python_changes(text: str) -> Iterator[tuple[str, str]]:
    tree = ast.parse(text)
    for k, node in enumerate(behaviour(tree)):
        for change in changes(node):
            mutated = copy.deepcopy(tree)
            target = list(behaviour(mutated))[k]
            change(target)
            line = getattr(node, "lineno", 0)
            yield f"{line}: {ast.unparse(node)} → {ast.unparse(target)}", ast.unparse(mutated)


def toml_changes(text: str) -> Iterator[tuple[str, str]]:
    """By line: a parameter that does not stand on a line of its own is an error."""
    lines = text.splitlines()
    for k, line in enumerate(lines):
        for new in changed_lines(line):
            yield f"{k + 1}: {line} → {new}", "\n".join([*lines[:k], new, *lines[k + 1 :]])
    written = sum(line.startswith("parameters.") for line in lines)
    if written != sum(len(row.get("parameters", {})) for row in tomllib.loads(text)["clause"]):
        raise ValueError("write each parameter as `parameters.name = value` on one line")


def changed_lines(line: str) -> Iterator[str]:
    if number := re.match(r"(parameters\.\w+ = )(\d+)$", line):
        yield from (f"{number[1]}{int(number[2]) + by}" for by in (1, -1))
    elif codes := re.match(r"(parameters\.\w+ = )\[(.*)\]$", line):
        each = codes[2].split(", ")
        yield from (f"{codes[1]}[{', '.join(each[:k] + each[k + 1 :])}]" for k in range(len(each)))
    elif day := re.match(r"(.* = )(\d{4}-\d\d-\d\d)$", line):
        on = date.fromisoformat(day[2])
        yield from (f"{day[1]}{on + timedelta(days=by)}" for by in (1, -1))
    elif line.startswith("parameters."):
        raise ValueError(f"no way to change `{line}`")
    elif basis := re.search(r'\bbasis = "(\w+)"', line):
        yield line.replace(basis[0], f'basis = "{"DEFAULT" if basis[1] == "TEXT" else "TEXT"}"')
    elif kind := re.match(r'kind = "(\w)"', line):
        yield f'kind = "{"H" if kind[1] == "S" else "S"}"'
    elif line.startswith("leaves_to"):
        yield ""


def mutants() -> Iterator[Mutant]:
    for folder, names, tests in TARGETS:
        for path in (p for name in names.split() for p in sorted((ROOT / folder).glob(name))):
            text, where = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))
            yield Mutant(where, "unchanged", text, tests)
            changed = toml_changes if path.suffix == ".toml" else python_changes
            yield from (Mutant(where, label, new, tests) for label, new in changed(text))


def begin(place: str) -> None:
    """Each of the pool's processes works on a copy of its own; the checkout is never touched."""
    os.chdir(tempfile.mkdtemp(dir=place))
    for name in ("libs", "services", "tests"):
        shutil.copytree(ROOT / name, name, ignore=shutil.ignore_patterns("__pycache__"))


def passes(mutant: Mutant) -> bool:
    """In a fork, which starts with pytest imported and with nothing of ours."""
    if child := os.fork():
        failed = os.waitpid(child, 0)[1]
        shutil.copy(ROOT / mutant.path, mutant.path)
        return not failed
    signal.alarm(60)
    Path(mutant.path).write_text(mutant.text, encoding="utf-8")
    sys.path.insert(0, os.getcwd())
    options = "-x --noconftest --assert=plain -p no:terminal -p no:cacheprovider -c /dev/null"
    os._exit(pytest.main([*options.split(), *mutant.tests.split()]))


def main() -> int:
    sys.dont_write_bytecode = True
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    console, every = Console(soft_wrap=True), list(mutants())
    with (
        tempfile.TemporaryDirectory() as place,
        get_context("fork").Pool(initializer=begin, initargs=(place,)) as pool,
    ):
        passed = list(track(pool.imap(passes, every), "mutants", total=len(every)))
    wrong = [m for m, p in zip(every, passed, strict=True) if p != (m.label == "unchanged")]
    for mutant in wrong:
        verb = "fails" if mutant.label == "unchanged" else "survives"
        console.print(f"{verb} {mutant.path}:{mutant.label}", markup=False, highlight=False)
    console.print(f"{len(wrong)} of {len(every)} went unnoticed" if wrong else "all were noticed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
