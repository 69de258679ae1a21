"""What pages say of the code that can change under them: names, tables, actions, commands."""

import ast
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path

import pytest
from typer.main import get_command

from cli.main import app
from libs.common.db.base import COMMON
from libs.common.db.provision import roles_of
from libs.common.events.catalogue import EVENTS
from libs.common.http.roles import ACTIONS
from libs.common.settings import Settings
from libs.common.telemetry.metrics import REGISTRY
from tests.architecture.services import NAMES, ROOT, sources

DOCS = ROOT / "docs"
ARCHITECTURE = DOCS / "architecture.md"
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
LIBRARIES = ROOT / "docs" / "decisions" / "0013-libraries.md"
GENERATED = DOCS / "events.md"
WRITTEN = [*ROOT.glob("*.md"), *(page for page in sorted(DOCS.rglob("*.md")) if page != GENERATED)]
PAGES = [pytest.param(page, id=str(page.relative_to(ROOT))) for page in WRITTEN]

FOLDER = r"(?:libs|services|cli|tests|docs|benchmarks)"
PATH = re.compile(rf"{FOLDER}/[\w./*{{}}-]*")
MODULE = re.compile(rf"(?:{FOLDER}\.)[a-z_.]+")
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:^|`)weiyuan ([a-z-]+)(?: ([a-z-]+)\b)?", re.MULTILINE)


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def quoted(text: str) -> set[str]:
    """What stands in backticks."""
    return set(re.findall(r"`([^`\n]+)`", text))


def section(text: str, heading: str) -> str:
    return re.split(r"^## ", text.split(f"## {heading}\n", 1)[1], flags=re.MULTILINE)[0]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).strip().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_module_that_a_page_names_is_there(page: Path) -> None:
    def gone(name: str) -> bool:
        if PATH.fullmatch(name):
            return not list(ROOT.glob(name.rstrip("/")))
        path = ROOT / name.replace(".", "/")
        return not (path.is_dir() or path.with_suffix(".py").is_file())

    words = {word for code in quoted(text_of(page)) for word in code.split()}
    named = {word for word in words if PATH.fullmatch(word) or MODULE.fullmatch(word)}
    assert {name for name in named if gone(name)} == set()


def _links(page: Path) -> Iterator[str]:
    return (link for link in LINK.findall(text_of(page)) if "://" not in link)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in _links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("folder", ["decisions", "runbooks"])
def test_every_decision_and_runbook_is_linked_from_the_architecture(folder: str) -> None:
    there = {f"{folder}/{page.name}" for page in (DOCS / folder).iterdir()}
    assert {link for link in _links(ARCHITECTURE) if link.startswith(f"{folder}/")} == there


def test_decisions_are_numbered_and_weigh_alternatives() -> None:
    assert [page.name[:4] for page in DECISIONS] == [
        f"{number:04}" for number in range(1, len(DECISIONS) + 1)
    ]
    for page in DECISIONS:
        parts = ["Context", "Decision", "Consequences", "Alternatives considered"]
        assert re.findall(r"^## (.+)$", text_of(page), re.MULTILINE) == parts, page.name


def test_every_event_of_the_catalogue_has_its_section() -> None:
    headings = set(re.findall(r"^## (\w+)$", text_of(GENERATED), re.MULTILINE))
    assert {event.name for event in EVENTS.values()} <= headings


def test_the_architecture_names_every_service_and_every_room() -> None:
    rooms = {f"libs/common/{path.parent.name}/" for path in ROOT.glob("libs/common/*/__init__.py")}
    services = {f"services/{name}/" for name in NAMES}
    assert (rooms | services) - quoted(text_of(ARCHITECTURE)) == set()


def test_the_architecture_lists_every_action_of_the_roles() -> None:
    request = section(text_of(ARCHITECTURE), "The way of a request")
    listed = request.partition("Actions by service")[2]
    assert {name for name in quoted(listed) if re.fullmatch(r"[a-z_]+", name)} == set(ACTIONS)


def test_the_architecture_lists_every_table_that_all_services_have() -> None:
    for path in sources("libs"):  # a table is known once its module is imported
        if re.search(r"\bCOMMON\b", text_of(path)) and "migrations" not in path.parts:
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    tables = section(text_of(ARCHITECTURE), "Tables of every service")
    rows = tables.partition("The bus database")[0]
    assert quoted(rows) == set(COMMON.tables)


def test_the_architecture_lists_every_database_role() -> None:
    rows = section(text_of(ARCHITECTURE), "Row-level security")
    listed = set(re.findall(r"`<service>(_[a-z]+)`", rows))
    assert {f"x{role}" for role in listed} == set(roles_of("x"))


def test_the_libraries_page_has_every_dependency_and_no_other() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    rows = re.findall(r"^\| (`.+?) \|", text_of(LIBRARIES), re.MULTILINE)
    assert quoted("".join(rows)) == {re.split(r"[\[>=]", each, maxsplit=1)[0] for each in wanted}


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    known = get_command(app)
    for name, below in COMMAND.findall(text_of(page)):
        command = getattr(known, "commands", {}).get(name)
        assert command, f"weiyuan {name}"
        if nested := getattr(command, "commands", None):
            assert not below or below in nested, f"weiyuan {name} {below}"


@pytest.mark.parametrize("page", PAGES)
def test_every_target_setting_and_metric_that_a_page_names_exists(page: Path) -> None:
    text = text_of(page)
    makefile = text_of(ROOT / "Makefile")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = re.findall(r"(?:^|`)make ((?:[a-z]+ ?)+)", text, re.MULTILINE)
    assert {target for line in named for target in line.split()} - targets == set()

    settings = {f"WEIYUAN_{name.upper()}" for name in Settings.model_fields} | {"WEIYUAN_LANG"}
    assert set(re.findall(r"\bWEIYUAN_[A-Z_]+\b", text)) - settings == set()

    metrics = {metric.name for metric in REGISTRY.collect()}
    used = {name.removesuffix("_total") for name in quoted(text) if fnmatch(name, "weiyuan_*_*")}
    assert used - metrics == set()


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_tells_to_import_can_be_imported(page: Path) -> None:
    for block in re.findall(r"^```python\n(.*?)^```", text_of(page), re.MULTILINE | re.DOTALL):
        compile(block, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        imports = re.findall(r"^from \S+ import .+$", block, re.MULTILINE)
        exec("\n".join(imports), {})


@pytest.mark.parametrize(
    ("name", "most"),
    [
        pytest.param("docs/architecture.md", 250, id="one sitting"),
        pytest.param("CONTRIBUTING.md", 80, id="one screen and a bit"),
    ],
)
def test_what_everybody_reads_stays_short(name: str, most: int) -> None:
    assert len(text_of(ROOT / name).splitlines()) <= most
