"""A progress bar on a terminal; nothing where no terminal is."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from cli.say import chosen, hushed
from cli.uploads import Seen

_PHASES = {
    "received": ("已收到", "received"),
    "reading": ("读取", "reading"),
    "checking": ("核对", "checking"),
    "merging": ("入库", "entering"),
}


@contextmanager
def bar(title: str) -> Iterator[Seen]:
    console = Console(stderr=True)
    columns = (TextColumn("  {task.description}"), BarColumn(), TaskProgressColumn())
    silent = hushed() or not console.is_terminal
    with Progress(
        *columns, TimeElapsedColumn(), console=console, transient=True, disable=silent
    ) as shown:
        task = shown.add_task(title, total=None)

        def seen(phase: str, done: int, total: int | None) -> None:
            words = chosen(*_PHASES.get(phase, (phase, phase)))
            shown.update(task, description=f"{title} {words}", completed=done, total=total)

        yield seen
