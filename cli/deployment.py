"""The commands of a deployment: `serve`, `db provision`, `topics apply` and `keys create`."""

import signal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.options import Json
from cli.say import fail

db = typer.Typer(no_args_is_help=True, help="数据库 The databases of a deployment.")
topics = typer.Typer(no_args_is_help=True, help="主题 The Kafka topics of a deployment.")
keys = typer.Typer(no_args_is_help=True, help="密钥 The sealing keys of a deployment.")


class Name(StrEnum):
    """What has a database of its own."""

    REGISTRY = "registry"
    EMPLOYMENT = "employment"
    SOLAR = "solar"
    MATCHING = "matching"
    BUS = "bus"


class Part(StrEnum):
    """What a process of a service can be."""

    API = "api"
    WORKER = "worker"
    MIGRATE = "migrate"


def add_to(app: typer.Typer) -> None:
    app.command()(serve)
    app.add_typer(db, name="db")
    app.add_typer(topics, name="topics")
    app.add_typer(keys, name="keys")


def serve(
    service: Annotated[Name, typer.Argument(metavar="SERVICE")],
    part: Annotated[Part, typer.Argument(metavar="api|worker|migrate")],
    host: Annotated[str, typer.Option(help="0.0.0.0 in a container.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes any free one.")] = 8000,
    drain: Annotated[
        float, typer.Option(min=0, help="Seconds an API goes on listening after SIGTERM, unready.")
    ] = 0.0,
) -> None:
    """部署 One part of one service, set by the environment: api, worker or migrate."""
    signal.signal(signal.SIGTERM, _leave)
    from cli import serve

    if part is Part.MIGRATE:
        serve.serve_migrate(service.value)
        return
    run = serve.serve_api if part is Part.API else serve.serve_worker
    run(service.value, serve.Address(host, port, drain))


def _leave(*_: object) -> None:
    """Before there is anything to finish; the first process of a container has no usual end."""
    raise SystemExit(128 + signal.SIGTERM)


@db.command()
def provision(
    services: Annotated[list[Name] | None, typer.Argument(metavar="[SERVICE]…")] = None,
    apply: Annotated[
        str | None, typer.Option(metavar="URL", help="Run it, as this administrator.")
    ] = None,
    passwords: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Set each role's from its file; --apply.")
    ] = None,
) -> None:
    """建库 Roles, databases and grants: for `psql`, or run. The bus only where it is named."""
    from cli import databases

    chosen = services or [each for each in Name if each is not Name.BUS]
    names = [each.value for each in chosen]
    if apply:
        databases.apply_script(names, apply, passwords)
    elif passwords:
        fail("--passwords 需要 --apply。", "--passwords needs --apply.")
    else:
        databases.print_script(names)


@topics.command()
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False)],
    replication: Annotated[
        int | None, typer.Option(min=1, help="For a cluster of fewer brokers than FILE asks for.")
    ] = None,
    json: Json = False,
) -> None:
    """Make the topics of FILE at WEIYUAN_BUS_URL, or bring their settings forward."""
    from cli import topics

    topics.apply_file(file, replication, json=json)


@keys.command()
def create(
    folder: Annotated[Path, typer.Argument(metavar="DIR", file_okay=False)], json: Json = False
) -> None:
    """Make the keys that people's numbers are sealed and found with; those there stay."""
    from cli import databases

    databases.create_keys(folder, json=json)
