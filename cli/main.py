"""The `weiyuan` command: its table of contents. What a command needs is imported when it runs."""

from typing import Annotated
from uuid import UUID

import typer

from cli import deployment, operators
from cli.files import export, imports, verify
from cli.options import HOME, Home, Json
from cli.say import hush, say, speak
from libs.common.http.roles import Role

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
sample = typer.Typer(no_args_is_help=True, help="样本 The invented people.")

_LOCALE = ["WEIYUAN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"]
_County = Annotated[bool, typer.Option("--county", help="230 villages and 50,000 people.")]


@app.callback()
def weiyuan(
    lang: Annotated[str, typer.Option(envvar=_LOCALE, show_envvar=False, help="zh or en.")] = "en",
) -> None:
    """渭源 Weiyuan: a prefecture's eight anti-poverty programmes as services on an event bus."""
    speak(lang)


@app.command()
def up(
    home: Home = HOME,
    port: Annotated[int, typer.Option(envvar="WEIYUAN_PORT", help="0 takes any free one.")] = 8000,
    sample: Annotated[bool, typer.Option(help="Load invented people at the first start.")] = True,
    county: _County = False,
    json: Json = False,
) -> None:
    """启动 The whole system, until Ctrl-C."""
    if json:
        hush()
    say("渭源 Weiyuan 正在启动……", "Weiyuan 渭源 is starting …")
    from cli.up import Order
    from cli.up import up as run

    run(Order(home=home, port=port, sample=sample, county=county, json=json))


@app.command()
def token(
    role: Annotated[Role, typer.Option()],
    home: Home = HOME,
    division: Annotated[str | None, typer.Option(help="行政区划代码 of the area.")] = None,
    department: str | None = None,
    household: UUID | None = None,
    person: UUID | None = None,
    subject: Annotated[str | None, typer.Option(help="Who; tells two of a role apart.")] = None,
    json: Json = False,
) -> None:
    """令牌 A token of the embedded system, and nothing else on the line."""
    from cli.tokens import Claims, show

    show(home, Claims(role, division, department, household, person, subject), json=json)


@sample.command()
def add(home: Home = HOME, county: _County = False, json: Json = False) -> None:
    """Load it into the system that runs, and walk the journey."""
    from cli import samples

    samples.add(home, county=county, json=json)


@sample.command()
def remove(home: Home = HOME, json: Json = False) -> None:
    """Delete all of it from every service."""
    import asyncio

    from cli import removal

    asyncio.run(removal.remove(home, json=json))


app.add_typer(sample, name="sample")
app.add_typer(imports, name="import")
app.add_typer(export, name="export")
app.command()(verify)
operators.add_to(app)
deployment.add_to(app)
