"""The services that exist, found by their folders, so that the tests of all grow by themselves."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from libs.common.service import Service

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path for path in (ROOT / "services").iterdir() if (path / "__init__.py").exists())
NAMES = [folder.name for folder in FOLDERS]
WITH_DATABASE = [folder.name for folder in FOLDERS if (folder / "migrations").exists()]
WITH_SERVICE = [folder.name for folder in FOLDERS if (folder / "main.py").exists()]


def service(name: str) -> "Service":
    found: Service = import_module(f"services.{name}.main").service
    return found


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
