"""A bar on a terminal, by rich."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gatherq.store.batches import Counts

from .bar import standing


class TerminalBar:
    """A line that is drawn again and again, below a line that says what it is of."""

    def __init__(self, title: str, total: int, console: Console | None) -> None:
        self._title, self._total = title, total
        self._bar = Progress(
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TextColumn("{task.fields[standing]}"),
            TimeRemainingColumn(compact=True),
            console=console or Console(stderr=True),
        )

    def __enter__(self) -> Self:
        self._bar.start()
        self._bar.console.print(self._title, markup=False, highlight=False)
        self._task = self._bar.add_task("", total=self._total, standing="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def show(self, counts: Counts) -> None:
        """Draw it anew."""
        task = self._bar.tasks[0]
        rate = task.finished_speed or task.speed or 0.0
        said = standing(counts, rate)
        self._bar.update(self._task, completed=counts.finished, standing=said)
