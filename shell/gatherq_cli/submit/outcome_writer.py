"""Writes outcomes as lines of JSON, each at once, and counts what did not succeed."""

import json
import sys
from typing import Any, Protocol, Self

import click

from gatherq.contract.outcomes import AnyOutcome, Cancelled, Succeeded
from gatherq.inspection.json_records import outcome_record
from gatherq_cli.common import exits

from .progress_line import ProgressLine


class Lines(Protocol):
    """What lines are written to."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> None: ...

    def isatty(self) -> bool: ...


class OutcomeWriter:
    """Writes to standard output, or to a file."""

    def __init__(self, *, values: bool, tolerate: float | None, file: Lines | None = None) -> None:
        self._values, self._tolerate = values, tolerate
        self._file: Lines = file or sys.stdout
        self._failed = self._unsuccessful = 0
        #: Outcomes that it has written.
        self.count: int = 0
        self._progress = ProgressLine(shown=sys.stderr.isatty() and not self._file.isatty())

    def __enter__(self) -> Self:
        """Write within the block; what is said after it begins on a line of its own."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the line that shows the progress away."""
        self._progress.end()

    def write(self, slot: int, outcome: AnyOutcome) -> bool:
        """Write one; return whether more of them may follow: not once too many have failed."""
        record = self._value(outcome) if self._values else outcome_record(slot, outcome)
        self._file.write(f"{json.dumps(record, default=str)}\n")
        self._file.flush()
        self.count += 1
        if not isinstance(outcome, Succeeded):
            self._unsuccessful += 1
            self._failed += not isinstance(outcome, Cancelled)
        self._progress.count(failed=self._unsuccessful)
        return self._tolerate is None or self._failed <= self._tolerate

    def end(self, *, stopped: bool) -> int:
        """Say why it stopped, or how many did not succeed; return the exit code."""
        if stopped:
            allowed = f"{self._tolerate:.0f}" if self._tolerate is not None else "any number"
            click.echo(
                f"Error: stopped, {self._failed:,} failed and --tolerate allows {allowed}; "
                "what was not finished is cancelled",
                err=True,
            )
        elif self._unsuccessful and sys.stderr.isatty():
            click.echo(f"{self._unsuccessful:,} of {self.count:,} did not succeed", err=True)
        return exits.UNSUCCESSFUL if self._unsuccessful else 0

    @staticmethod
    def _value(outcome: AnyOutcome) -> Any:
        return outcome.value if isinstance(outcome, Succeeded) else None
