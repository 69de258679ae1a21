"""Whose URL: a template leaves the role open, and may name the folder where passwords are."""

from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

_FOLDER = "passwords"


def with_passwords(template: str, folder: Path | None) -> str:
    """The template, saying too that each role's password is in a file of the role's name."""
    if folder is None:
        return template
    return f"{template}{'&' if '?' in template else '?'}{_FOLDER}={quote(str(folder), safe='')}"


def url_of(template: str, role: str) -> str:
    """What the role logs in with; its password is read now, for it may be changed at any time."""
    parts = urlsplit(template.replace("{role}", role))
    query = dict(parse_qsl(parts.query))
    folder = query.pop(_FOLDER, None)
    if folder is None:
        return parts.geturl()
    password = password_in(Path(folder), parts.username or "")
    user, _, host = parts.netloc.rpartition("@")
    netloc = f"{user}:{quote(password, safe='')}@{host}"
    asked = urlencode(query, quote_via=quote, safe="")
    return parts._replace(netloc=netloc, query=asked).geturl()


def password_in(folder: Path, name: str) -> str:
    """A file that was written by hand ends its line."""
    return (folder / name).read_text("utf-8").rstrip("\r\n")
