"""A map that can be interrupted: its jobs are batches with names, of a thousand lines each.

The same input makes the same batches. To submit them again adds nothing that is there already, and
what is done is read: decision 56.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, nullcontext
from typing import Any, NamedTuple, NoReturn

import click

from gatherq.client.batch import Batch
from gatherq.client.producer import Producer
from gatherq.contract.jobs import Call
from gatherq.errors import BatchConflict, InvalidCall
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output

from .input_lines import Arguments, Input, InvalidLine
from .map_options import MapOptions
from .outcome_writer import OutcomeWriter
from .output_file import OutputFile

#: Lines of a batch. It is part of what a name means: with another number nothing would be found.
_CHUNK = 1000
#: Batches that are under way at a time.
_AHEAD = 2


class _Part(NamedTuple):
    """A batch, and the number of the line that its slot 0 is, from 0 on."""

    first: int
    batch: Batch[Any]


async def run_durable_map(
    server: Server, output: Output, job: str, given: Input, options: MapOptions
) -> int:
    """Print an outcome for each line, or submit all and print the name; return the exit code."""
    name = options.resume if options.resume != "auto" else _name_of(job, given)
    async with server.producer(waits=not options.detach) as producer:
        batches = _Batches(producer, name, job, given, options)
        if options.detach:
            return await _leave(batches, output)
        with OutputFile(options.path) if options.path else nullcontext() as file:
            return await _write(batches, options, file)


async def _leave(batches: "_Batches", output: Output) -> int:
    count = slots = 0
    async for part in batches.submitted():
        count, slots = count + 1, part.first + len(part.batch)
    output.record({"resume": batches.name, "batches": count, "slots": slots})
    output.line(batches.name)
    return 0


async def _write(batches: "_Batches", options: MapOptions, file: OutputFile | None) -> int:
    """Write what the file does not have yet."""
    written = file.lines if file else 0
    writer = OutcomeWriter(values=options.values, tolerate=options.tolerate, file=file)
    try:
        with writer:
            stopped = not await _write_parts(batches, writer, written)
    except asyncio.CancelledError:
        count = written + writer.count
        lines = f"{count:,} line{'' if count == 1 else 's'}"
        goes_on = f"the same command goes on (or: --resume {batches.name})"
        click.echo(f"interrupted after {lines}; {goes_on}", err=True)
        raise
    if stopped:
        await batches.cancel()
    return writer.end(stopped=stopped)


async def _write_parts(batches: "_Batches", writer: OutcomeWriter, written: int) -> bool:
    async with aclosing(batches.ahead(written)) as parts:
        async for first, batch in parts:
            async for outcome in batch:
                slot = first + outcome.slot
                if slot >= written and not writer.write(slot, outcome):
                    return False
    return True


def _name_of(job: str, given: Input) -> str:
    """Return a name that tells the job and the input from all others."""
    return f"map-{hashlib.sha256(f'{job}:{given.digest()}'.encode()).hexdigest()[:16]}"


class _Batches:
    """The batches of a map: `NAME.0`, `NAME.1` and so on."""

    def __init__(
        self, producer: Producer, name: str, job: str, given: Input, options: MapOptions
    ) -> None:
        self._producer, self._job, self._given = producer, job, given
        self._timeout, self._limits = options.timeout, options.limits
        #: A limit is of one batch: then the next is submitted when that is done.
        self._ahead = 1 if options.limited else _AHEAD
        self._under_way: list[_Part] = []
        self.name: str = name

    async def submitted(self) -> AsyncIterator[_Part]:
        """Yield all, each when it is submitted."""
        async for first, calls in self._chunks():
            yield await self._submit(first, calls)

    async def ahead(self, written: int) -> AsyncGenerator[_Part, None]:
        """Yield those that are not written whole, in order, the next of each submitted already."""
        parts = self._under_way
        try:
            async for first, calls in self._chunks():
                if first + len(calls) <= written:
                    continue
                parts.append(await self._submit(first, calls))
                if len(parts) == self._ahead:
                    yield parts[0]
                    del parts[0]
        except InvalidLine:  # to be said after the outcomes of what comes before it
            for part in parts:
                yield part
            raise
        while parts:
            yield parts[0]
            del parts[0]

    async def cancel(self) -> None:
        """Cancel what is submitted and not written."""
        for part in self._under_way:
            await part.batch.cancel(by="too many have failed")

    async def _chunks(self) -> AsyncIterator[tuple[int, list[Call[Any]]]]:
        first, calls = 0, list[Call[Any]]()
        async for each in self._given.arguments():
            calls.append(self._call(each))
            if len(calls) == _CHUNK:
                yield first, calls
                first, calls = first + _CHUNK, []
        if calls:
            yield first, calls

    def _call(self, arguments: Arguments) -> Call[Any]:
        return Call(self._job, arguments.args, arguments.kwargs, self._timeout)

    async def _submit(self, first: int, calls: Sequence[Call[Any]]) -> _Part:
        label = f"map, lines {first + 1} to {first + len(calls)}"
        try:
            batch = await self._producer.submit(
                calls, batch_id=f"{self.name}.{first // _CHUNK}", label=label, **self._limits
            )
        except BatchConflict as error:
            self._conflict(error, first)
        except InvalidCall as error:
            number = first + 1 + (error.slot or 0)
            raise InvalidLine(f"line {number} of {self._given.name}: {error}") from None
        return _Part(first, batch)

    def _conflict(self, error: BatchConflict, first: int) -> NoReturn:
        where = f"is longer or shorter than it was, from line {first + 1} on"
        if error.slot is not None:
            where = f"differs in line {first + 1 + error.slot}"
        raise BatchConflict(
            f"{self._given.name} is not what --resume {self.name} was begun with: it {where}; give "
            "what it was, or another ID",
            batch_id=error.batch_id,
            slot=error.slot,
        ) from None
