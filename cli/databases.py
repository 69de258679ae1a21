"""`weiyuan db provision` and `weiyuan keys create`: what an operator makes once."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from cli.say import answer, fail, say
from libs.common.db.provision import provision, roles_of, script, set_passwords
from libs.common.db.scram import PasswordRefused, verifier
from libs.common.db.urls import password_in, url_of, with_passwords
from libs.common.people.keys import KeyRing, KeyRingError


def print_script(names: Sequence[str]) -> None:
    """For `psql`, which asks for passwords and hashes them itself."""
    for name in names:
        advice = "\n".join(f"-- \\password {role}" for role in roles_of(name))
        print(script(name))
        print(f"-- Each role needs a password, unless it logs in otherwise:\n{advice}\n")


def apply_script(names: Sequence[str], url: str, passwords: Path | None) -> None:
    try:
        verifiers = _verifiers(names, passwords) if passwords else {}
        asyncio.run(_apply(names, _on(url, passwords), verifiers))
    except PasswordRefused as error:
        fail(f"密码不可用：{error}", f"A password cannot serve: {error}")
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        told = f"{type(error).__name__}: {error}"
        fail(f"未能建立：{told}", f"Not provisioned: {told}", status=1)
    say(f"已建立：{', '.join(names)}", f"Provisioned: {', '.join(names)}")


async def _apply(
    names: Sequence[str], on: Callable[[str], str], verifiers: Mapping[str, str]
) -> None:
    for name in names:
        await provision(name, on)
    await set_passwords(verifiers, on("postgres"))


def _verifiers(names: Sequence[str], folder: Path) -> Mapping[str, str]:
    """Of every role, before anything is made: a missing file is told while nothing is half done."""
    found = {}
    for role in [role for name in names for role in roles_of(name)]:
        try:
            found[role] = verifier(password_in(folder, role))
        except PasswordRefused as error:
            raise PasswordRefused(f"{folder / role}: {error}") from None
    return found


def _on(url: str, passwords: Path | None) -> Callable[[str], str]:
    """The administrator's URL for a database; their password may be in the folder too."""
    parts = urlsplit(url)
    known = passwords and not parts.password and (passwords / (parts.username or "")).is_file()
    folder = passwords if known else None

    def on(database: str) -> str:
        return url_of(with_passwords(parts._replace(path=f"/{database}").geturl(), folder), "")

    return on


def create_keys(folder: Path, *, json: bool) -> None:
    """What people are sealed and found with; keys that are there already stay as they are."""
    before = set(folder.glob("*.key"))
    try:
        KeyRing.create(folder, embedded=False)
    except (OSError, KeyRingError) as error:
        fail(f"密钥不可用：{error}", f"The keys cannot serve: {error}", status=1)
    made = sorted(path.name for path in set(folder.glob("*.key")) - before)
    if json:
        return answer({"folder": folder, "made": made})
    if made:
        say(
            f"已建立 {folder}：{', '.join(made)}。请与数据库分开备份：丢失后身份证号无法恢复。",
            f"Made in {folder}: {', '.join(made)}. Back them up apart from the databases: without "
            "them no resident id can ever be read again.",
        )
    else:
        say(f"{folder} 已有密钥，未作改动。", f"{folder} has its keys; nothing was changed.")
