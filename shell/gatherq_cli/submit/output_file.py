"""A file of lines that an interrupted command goes on with."""

from pathlib import Path
from typing import IO, Self

import click

_CHUNK = 1 << 20


class OutputFile:
    """Lines are appended after the last one that is complete; the rest of another is cut off."""

    def __init__(self, path: str) -> None:
        try:
            self._file: IO[bytes] = Path(path).open("ab+")  # noqa: SIM115 (this is one)
        except OSError as error:
            raise click.UsageError(f"-o {path} cannot be written: {error.strerror}") from None
        #: Number of lines that are there.
        self.lines: int = self._cut()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._file.close()

    def write(self, text: str) -> int:
        """Append a text."""
        return self._file.write(text.encode())

    def flush(self) -> None:
        """Hand over to the system what was written."""
        self._file.flush()

    def isatty(self) -> bool:
        """Tell whether a person reads along."""
        return self._file.isatty()

    def _cut(self) -> int:
        """Cut off what follows the last newline; return the number of newlines."""
        self._file.seek(0)
        lines = end = at = 0
        while chunk := self._file.read(_CHUNK):
            lines += chunk.count(b"\n")
            last = chunk.rfind(b"\n")
            end = at + last + 1 if last >= 0 else end
            at += len(chunk)
        if end < at:
            self._file.truncate(end)
        return lines
