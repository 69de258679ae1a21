"""Each service can be imported, whole, without any other being there."""

import subprocess
import sys

import pytest

from tests.architecture.services import NAMES, ROOT

IMPORT_ALL = """
import importlib, pkgutil, sys
name = sys.argv[1]
package = importlib.import_module(f"services.{name}")
for module in pkgutil.walk_packages(package.__path__, f"services.{name}."):
    if ".migrations" not in module.name:
        importlib.import_module(module.name)
print(*{m.split(".")[1] for m in sys.modules if m.startswith("services.")} - {name})
"""


@pytest.mark.parametrize("name", NAMES)
def test_a_service_is_imported_without_the_others(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
