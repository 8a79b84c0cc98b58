"""The lines of a file or of standard input, each as the arguments of a job."""

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import click

from gatherq.contract.validation import MAX_JOB

from .call_arguments import read_json

_CHUNK = 65_536


class InvalidLine(click.ClickException):
    """A line that is no arguments: which, and why."""

    exit_code = 2


class Arguments(NamedTuple):
    """What a job is called with."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Input:
    """A file, or standard input for `-`; read as it is needed."""

    def __init__(self, path: str, *, as_text: bool = False, as_keywords: bool = False) -> None:
        if as_text and as_keywords:
            raise click.UsageError("give --lines or --kwargs, not both")
        self._as_text, self._as_keywords = as_text, as_keywords
        self._path = None if path == "-" else Path(path)
        self._file = self._opened()

    @property
    def name(self) -> str:
        """Name of the file, for people."""
        return "standard input" if self._path is None else str(self._path)

    @property
    def is_file(self) -> bool:
        """Whether it can be read more than once."""
        return self._path is not None and stat.S_ISREG(os.fstat(self._file).st_mode)

    def digest(self) -> str:
        """Return a digest of a file, and of how its lines are read."""
        assert self._path is not None
        with self._path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256")
        found.update(b"%d%d" % (self._as_text, self._as_keywords))
        return found.hexdigest()

    def count(self) -> int:
        """Return the number of lines of a file."""
        assert self._path is not None
        with self._path.open("rb") as file:
            return sum(1 for _ in file)

    async def arguments(self) -> AsyncIterator[Arguments]:
        """Yield the arguments of each line; raises InvalidLine."""
        number = 0
        async for line in self._lines():
            number += 1
            try:
                arguments = self._read(line)
            except ValueError as error:
                raise InvalidLine(f"line {number} of {self.name} {error}") from None
            yield arguments

    def _opened(self) -> int:
        if self._path is None:
            return 0
        try:
            return os.open(self._path, os.O_RDONLY)
        except OSError as error:
            raise click.UsageError(f"{self._path} cannot be read: {error.strerror}") from None

    def _read(self, line: bytes) -> Arguments:
        if len(line) > MAX_JOB:
            raise ValueError(f"is longer than a job may be: {MAX_JOB:,} bytes")
        try:
            text = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            raise ValueError("is not UTF-8") from None
        if self._as_text:
            return Arguments((text,), {})
        try:
            value = read_json(text)
        except ValueError as error:
            raise ValueError(f"is no JSON ({error}); --lines takes lines as texts") from None
        return self._of_value(value)

    def _of_value(self, value: Any) -> Arguments:
        if self._as_keywords:
            if not isinstance(value, dict):
                raise ValueError("is no object of JSON, as --kwargs wants")
            return Arguments((), value)
        return Arguments(tuple(value) if isinstance(value, list) else (value,), {})

    async def _lines(self) -> AsyncIterator[bytes]:
        rest = bytearray()
        while chunk := await _read_some(self._file):
            rest += chunk
            if b"\n" in chunk:
                *lines, last = bytes(rest).split(b"\n")
                rest = bytearray(last)
                for line in lines:
                    yield line
            elif len(rest) > MAX_JOB + _CHUNK:
                break  # it is refused as it is
        if rest:
            yield bytes(rest)


async def _read_some(file: int) -> bytes:
    """Read what is there, once there is something: a pipe or terminal may be silent for long."""
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(file, readable.set)
    except PermissionError:  # a file on a disk is always readable
        return os.read(file, _CHUNK)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(file)
    return os.read(file, _CHUNK)
