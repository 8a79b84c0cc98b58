"""A map that leaves nothing behind: what it has submitted ends with it."""

from contextlib import aclosing
from typing import Any

from gatherq.contract.jobs import Call
from gatherq_cli.common.options import Server

from .input_lines import Arguments, Input
from .map_options import MapOptions
from .outcome_writer import OutcomeWriter


async def run_map(server: Server, job: str, given: Input, options: MapOptions) -> int:
    """Print an outcome for each line; return the exit code."""

    def call(arguments: Arguments) -> Call[Any]:
        return Call(job, arguments.args, arguments.kwargs)

    writer = OutcomeWriter(values=options.values, tolerate=options.tolerate)
    stopped = False
    async with server.producer(waits=True) as producer:
        mapped = producer.map(
            call,
            given.arguments(),
            window=options.window,
            ordered=not options.unordered,
            timeout=options.timeout,
            **options.limits,
        )
        async with aclosing(mapped) as outcomes:
            with writer:
                async for outcome in outcomes:
                    if not writer.write(outcome.slot, outcome):
                        stopped = True
                        break
    return writer.end(stopped=stopped)
