"""Lines that a newcomer can paste: an address anybody may open, or curl with the right token."""

import shlex
import shutil
import sys
from pathlib import Path

from cli.options import HOME
from cli.tour import Link


def command_of(home: Path, url: str, link: Link) -> str:
    if link.role is None:
        return f"{url}{link.path}"
    token = token_command(home, link.role, link.division or "")
    return f'curl -H "Authorization: Bearer $({token})" {shlex.quote(url + link.path)}'


def token_command(home: Path, role: str, division: str) -> str:
    return f"{program()} token{_home_option(home)} --role {role} --division {division}"


def program() -> str:
    """As it was called, so that it is found again from where it was called."""
    called = sys.argv[0]
    return "weiyuan" if shutil.which("weiyuan") == called else shlex.quote(called)


def _home_option(home: Path) -> str:
    """The home that a command finds by itself needs no option."""
    return "" if home == HOME else f" --home {shlex.quote(str(home))}"
