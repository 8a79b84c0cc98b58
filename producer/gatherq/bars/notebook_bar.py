"""A bar in a notebook: plain HTML in one display, which every front end can show and store."""

import sys
from html import escape as html
from time import monotonic
from types import TracebackType
from typing import Any, Self

from gatherq.inspection.durations import show_duration
from gatherq.store.batches import Counts

from .bar import standing

_PAGE = (
    '<div style="font-size: 0.9em">{title}<br>'
    '<progress max="{total}" value="{done}" style="width: 16em; vertical-align: middle"></progress>'
    " {line}</div>"
)


def in_notebook() -> bool:
    """Tell whether this is a kernel of a notebook: only such a one can show HTML."""
    ipython = sys.modules.get("IPython")  # a notebook has imported it
    shell = ipython and ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


class NotebookBar:
    """One display, which is updated where something has changed."""

    def __init__(self, title: str, total: int) -> None:
        self._title, self._total = title, total
        self._begin, self._before = monotonic(), 0
        self._shown: Any = None
        self._line = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def show(self, counts: Counts) -> None:
        """Show it, or bring it up to date."""
        line = self._said(counts)
        if line == self._line:
            return
        self._line = line
        self._display(
            {
                "text/plain": f"{self._title}: {line}",
                "text/html": _PAGE.format(
                    title=html(self._title),
                    total=max(self._total, 1),
                    done=counts.finished,
                    line=html(line),
                ),
            }
        )

    def _said(self, counts: Counts) -> str:
        rate, left = self._rate(counts), self._total - counts.finished
        line = f"{counts.finished}/{self._total} {standing(counts, rate)}"
        return f"{line}, {show_duration(left / rate)} left" if rate and left else line

    def _rate(self, counts: Counts) -> float:
        """Return how many ended in a second since the bar was first shown."""
        if self._shown is None:
            self._begin, self._before = monotonic(), counts.finished
        return (counts.finished - self._before) / max(monotonic() - self._begin, 0.001)

    def _display(self, bundle: dict[str, str]) -> None:
        from IPython.display import display

        if self._shown is None:
            self._shown = display(bundle, raw=True, display_id=True)
        else:
            self._shown.update(bundle, raw=True)
