"""The vegetables: jobs and the script that submits them, in one file.

`python kitchen.py` runs it with a server and two workers of its own, in tenths of a second, or in
whole ones with `--real-time`. With `--look` it shows in the end what the shell says of it. Where
GATHERQ_REDIS_URL names a server, it uses that one, and the workers that `gatherq worker kitchen`
runs on it.
"""

import asyncio
import os
import sys
from contextlib import AbstractAsyncContextManager

import gatherq
from gatherq import Call, Cancelled, Failed, Lost, Outcome, Producer, Succeeded, TimedOut, job

LOOKS = ["gatherq ls", "gatherq errors @", "gatherq report @ -o kitchen.html"]
CHOP_LIST = [("brinjal", 2), ("carrot", 3), ("onion", 12), ("tomato", 5)]
MAX_TIME_OUT_FOR_TASK = 10


@job()
async def chop(vegetable: str, seconds: float) -> str:
    """Chop one vegetable."""
    await asyncio.sleep(seconds)
    return f"finished chopping {vegetable}"


@job()
async def weigh(vegetable: str) -> float:
    """Weigh what is not there."""
    raise ValueError(f"no {vegetable} on the scales")


@job()
async def wash(vegetable: str) -> str:
    """Give up half-way: a job may cancel itself, as a task may."""
    raise asyncio.CancelledError(f"the water for the {vegetable} is off")


@job(isolation="process")
async def sharpen(tool: str) -> str:
    """Take its process down, as a crash in C code would: nobody else is disturbed."""
    os._exit(1)


def tell(outcome: Outcome[object]) -> str:
    """Say in a few words what became of a job."""
    match outcome:
        case Succeeded(value):
            return str(value)
        case Failed(error):
            return f"failed: {error}"
        case TimedOut(_, limit):
            return f"timed out after {limit:g} s"
        case Cancelled(by):
            return f"cancelled by its {by}"
        case Lost(attempts):
            return f"lost: its worker died {attempts} times"


def pool() -> AbstractAsyncContextManager[Producer]:
    """Make the producer: of the server that is named, or with a server and workers of its own."""
    return Producer() if "GATHERQ_REDIS_URL" in os.environ else gatherq.local(processes=2)


async def look(url: str) -> None:
    """Look at the newest batch from a shell, while its server is there."""
    for line in LOOKS:
        print(f"\n$ {line}", flush=True)
        command = [sys.executable, "-m", "gatherq_worker", *line.split()[1:]]
        environment = {"GATHERQ_REDIS_URL": url, **os.environ}
        shell = await asyncio.create_subprocess_exec(*command, env=environment)
        await shell.wait()


async def main(second: float, *, looks: bool) -> None:
    """Submit, watch, and print one line a job, in the order of submission."""
    from gatherq.progress import progress  # rich is for the producer only

    calls: list[Call[object]] = [
        chop.call(name, round(time * second, 2)) for name, time in CHOP_LIST
    ]
    calls += [weigh.call("pumpkin"), wash.call("leek"), sharpen.call("knife")]
    async with pool() as producer:
        batch = await producer.submit(calls, timeout=MAX_TIME_OUT_FOR_TASK * second)
        async with progress(batch):
            outcomes = await batch.outcomes()
        for call, outcome in zip(calls, outcomes, strict=True):
            print(f"{call!s:<22} {tell(outcome)}")
        if looks:
            await look(producer.url)


if __name__ == "__main__":
    asyncio.run(main(1.0 if "--real-time" in sys.argv else 0.1, looks="--look" in sys.argv))
