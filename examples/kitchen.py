"""The vegetables: a job file and a producer script in one.

Start workers with `gatherq worker kitchen` in this folder, then run `python kitchen.py`.
"""

import asyncio
import os
import sys

from gatherq import Cancelled, Failed, Lost, Outcome, Producer, Succeeded, TimedOut, job

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
            return str(error)
        case TimedOut(which, limit):
            return f"{which} limit of {limit:g} s"
        case Cancelled(by):
            return f"by its {by}"
        case Lost(attempts):
            return f"worker died {attempts} times"


async def main(scale: float) -> None:
    """Submit, watch, and print one line a job, in the order of submission."""
    from gatherq.progress import progress  # rich is for the producer only

    calls = [chop.call(name, seconds * scale) for name, seconds in CHOP_LIST]
    calls += [weigh.call("pumpkin"), wash.call("leek"), sharpen.call("knife")]  # type: ignore[list-item]
    async with Producer() as producer:
        batch = await producer.submit(calls, timeout=MAX_TIME_OUT_FOR_TASK * scale)
        async with progress(batch):
            outcomes = await batch.outcomes()
        print(f"\n{'slot':>4}  {'job':<7} {'outcome':<10} {'seconds':>7}  what became of it")
        for outcome in outcomes:
            took = (outcome.finished - (outcome.started or outcome.finished)).total_seconds()
            line = f"{outcome.name:<7} {outcome.status:<10} {took:7.2f}  {tell(outcome)}"
            print(f"{outcome.slot:>4}  {line}")
        print(f"\nbatch {batch.id} as it stands in Redis; look at it while the server runs:")
        print(f"  redis-cli -u {producer.url} HGETALL gatherq:batch:{batch.id}")
        print(f"  redis-cli -u {producer.url} GET arq:result:{batch.id}:0")
        print((await producer.redis.get(f"arq:result:{batch.id}:0")).decode())


if __name__ == "__main__":
    asyncio.run(main(1.0 if "--real-time" in sys.argv else 0.1))
