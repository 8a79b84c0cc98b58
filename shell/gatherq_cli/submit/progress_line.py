"""How far a map is, in one line of a terminal that is written anew."""

from time import monotonic

import click

#: Seconds between two lines.
_PAUSE = 0.2
_ERASE = "\r\x1b[K"


class ProgressLine:
    """Counts outcomes, and shows them on standard error, if it is to."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._begun, self._next = monotonic(), 0.0
        self._count = 0

    def count(self, *, failed: int) -> None:
        """Count one more; so many of all have not succeeded."""
        self._count += 1
        now = monotonic()
        if self._shown and now >= self._next:
            self._next = now + _PAUSE
            rate = self._count / max(now - self._begun, 1e-3)
            said = f"{self._count:,} done · {failed:,} without success · {rate:,.0f}/s"
            click.echo(f"{_ERASE}{said}", nl=False, err=True)

    def end(self) -> None:
        """Take the line away."""
        if self._shown:
            click.echo(_ERASE, nl=False, err=True)
