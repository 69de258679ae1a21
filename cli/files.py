"""The commands around files: `import`, `export` and `verify`."""

from typing import Annotated

import typer

from cli.options import HOME, File, Home, Json, Since, Token, Until, Url

imports = typer.Typer(no_args_is_help=True, help="导入 A file through the API of a system.")
export = typer.Typer(no_args_is_help=True, help="导出 From the API of a system.")

_On = Annotated[str | None, typer.Option(help="The day the file tells of; today by default.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Report only; enter nothing.")]
_Division = Annotated[str, typer.Option(help="Area of the embedded system's own token.")]


def _add_import(kind: str, help: str) -> None:
    @imports.command(kind, help=help)
    def command(
        file: File,
        on: _On = None,
        dry_run: _DryRun = False,
        division: _Division = "6211",
        home: Home = HOME,
        url: Url = None,
        token: Token = None,
        json: Json = False,
    ) -> None:
        from cli.imports import Order, run
        from cli.reach import Reach

        order = Order(kind, file, on, dry_run, division, json)
        raise typer.Exit(run(order, Reach(home, url, token)))


_add_import("divisions", "行政区划 code,parent,level,name.")
_add_import("village-classes", "四类村 village,class,since,source.")
_add_import("roster", "建档立卡名册 One row a person: CSV, XLSX, NDJSON, also gz.")


@export.command()
def records(
    service: Annotated[str, typer.Argument(help="registry, employment, solar or matching.")],
    since: Since = None,
    until: Until = None,
    home: Home = HOME,
    url: Url = None,
    token: Token = None,
) -> None:
    """封存记录 The sealed records of a service, to standard output, for `weiyuan verify`."""
    from cli.reach import Reach
    from cli.records import export

    export(service, since=since, until=until, reach=Reach(home, url, token))


def verify(file: File, json: Json = False) -> None:
    """核验 Check an export offline: digests, chain, roots, and each decision once more."""
    from cli.records import check

    raise typer.Exit(check(file, json=json))
