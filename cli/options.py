"""The options that commands share."""

from pathlib import Path
from typing import Annotated

import typer

HOME = Path(".weiyuan")

Home = Annotated[
    Path,
    typer.Option(envvar="WEIYUAN_HOME", help="The embedded system's directory.", metavar="DIR"),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of words.")]
Url = Annotated[
    str | None,
    typer.Option(envvar="WEIYUAN_URL", help="Another system than the embedded one of the home."),
]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="WEIYUAN_TOKEN", help="Whose token to use; the embedded system gives its own."
    ),
]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
Since = Annotated[str | None, typer.Option(help="First day, 2019-06-01; today by default.")]
Until = Annotated[str | None, typer.Option(help="Last day; today by default.")]
