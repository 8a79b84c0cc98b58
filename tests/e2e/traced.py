"""Jobs of an application that has set up OpenTelemetry's SDK: each span becomes a line of JSON."""

import asyncio
import json
import os
from pathlib import Path

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)

from gatherq import Producer, Retry, call, current_job, job


class Lines(SpanExporter):
    """Writes spans into files of a folder, one for each process."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def export(self, spans):
        """Append a line for each span."""
        with open(self.folder / f"{os.getpid()}.jsonl", "a") as lines:
            for span in spans:
                lines.write(json.dumps({**json.loads(span.to_json()), "pid": os.getpid()}) + "\n")
        return SpanExportResult.SUCCESS


def provider_of(folder, processor=SimpleSpanProcessor):
    """Make a provider that writes into a folder."""
    provider = TracerProvider()
    provider.add_span_processor(processor(Lines(folder)))
    return provider


#: Where the spans go; a worker has it in its environment.
FOLDER = os.environ.get("TEST_SPANS")
#: A batch processor has a thread, so that each job's process imports this module for itself.
if FOLDER:
    in_batches = bool(os.environ.get("TEST_IN_BATCHES"))
    processor = BatchSpanProcessor if in_batches else SimpleSpanProcessor
    trace.set_tracer_provider(provider_of(FOLDER, processor))

tracer = trace.get_tracer("traced")


def work(name):
    """Make a span of the job's own; return the process that it was made in."""
    with tracer.start_as_current_span(name):
        return os.getpid()


@job()
async def in_loop() -> int:
    await asyncio.sleep(0)
    return work("in loop")


@job()
def in_thread() -> int:
    return work("in thread")


@job(isolation="process")
def in_process() -> int:
    return work("in process")


@job(max_attempts=1)
async def fail() -> None:
    raise ValueError("no such page")


@job(max_attempts=2)
async def retry() -> int:
    if current_job().attempt == 1:
        raise Retry(0)
    return work("again")


@job(max_attempts=3)
async def kill_worker() -> int:
    """Take the worker down in the first attempt, as the kernel does where memory is short."""
    if current_job().attempt == 1:
        os.kill(os.getpid(), 9)
    return work("alive")


@job()
async def nest(url: str, queue: str) -> int:
    """Gather jobs within a job."""
    async with Producer(url, queue=queue) as producer:
        (pid,) = await producer.gather(call("in_loop"))
    return pid
