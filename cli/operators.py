"""The operators' commands: `doctor`, `lag`, `dead-letters`, `replay`, `rebuild`."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.options import HOME, Home, Json

dead_letters = typer.Typer(no_args_is_help=True, help="死信 Records that could not be taken in.")

_LARGEST = 2**63 - 1

_Service = Annotated[str, typer.Argument(help="The service that reads: matching.")]
_Letter = Annotated[int, typer.Argument(help="Its number in `list`.", max=_LARGEST)]


def add_to(app: typer.Typer) -> None:
    for command in (doctor, lag, replay, rebuild):
        app.command()(command)
    app.add_typer(dead_letters, name="dead-letters")


def doctor(home: Home = HOME, json: Json = False) -> None:
    """诊断 What is wrong with the embedded system, and what to do."""
    from cli import doctor

    raise typer.Exit(asyncio.run(doctor.run(home, json=json)))


def lag(home: Home = HOME, json: Json = False) -> None:
    """滞后 How many records each service has yet to read, by topic."""
    from cli import bus

    asyncio.run(bus.show_lag(home, json=json))


def replay(
    service: _Service,
    topic: Annotated[str | None, typer.Option(help="All that it reads, by default.")] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Of what was published then or later; UTC.")
    ] = None,
    home: Home = HOME,
    json: Json = False,
) -> None:
    """重放 Let a service take in again what its topics hold."""
    from cli import bus

    instant = since and since.replace(tzinfo=since.tzinfo or UTC)
    asyncio.run(bus.replay(home, service, topic, instant, json=json))


def rebuild(service: _Service, home: Home = HOME, json: Json = False) -> None:
    """重建 Make a service's facts anew from the bus, beside the live ones."""
    from cli import bus

    asyncio.run(bus.rebuild(home, service, json=json))


@dead_letters.command("list")
def list_(home: Home = HOME, json: Json = False) -> None:
    """Those that wait for a decision."""
    from cli import letters

    asyncio.run(letters.show_all(home, json=json))


@dead_letters.command()
def show(service: _Service, letter: _Letter, home: Home = HOME, json: Json = False) -> None:
    """One of them, whole."""
    from cli import letters

    asyncio.run(letters.show(home, service, letter, json=json))


@dead_letters.command()
def retry(service: _Service, letter: _Letter, home: Home = HOME, json: Json = False) -> None:
    """Take it in now."""
    from cli import letters

    raise typer.Exit(asyncio.run(letters.retry(home, service, letter, json=json)))


@dead_letters.command()
def drop(service: _Service, letter: _Letter, home: Home = HOME, json: Json = False) -> None:
    """Give it up; it is kept."""
    from cli import letters

    asyncio.run(letters.drop(home, service, letter, json=json))
