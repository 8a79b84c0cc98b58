"""A program that makes its producer before it makes its processes: `preload.py HOW`."""

import asyncio
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor

import jobs

from gatherq import Producer

producer = Producer()


async def ask(number: int) -> int:
    """Let the producer do something with several connections at a time."""
    async with asyncio.timeout(20):
        calls = [jobs.echo.call(number)] * 5
        assert await producer.gather(*calls) == [number] * 5
        handles = [await producer.submit_one(call) for call in calls]
        assert await asyncio.gather(*handles) == [number] * 5
    return number


def serve(number: int) -> int:
    """Ask twice, each in a loop of its own."""
    assert asyncio.run(ask(number)) == number
    return asyncio.run(ask(number))


def forked(number: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        code = serve(number) - number
    finally:
        os._exit(code)


async def pooled() -> None:
    """Fork within the loop that the producer is used in, which goes on."""
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(3, mp_context=context) as pool:
        await ask(0)
        loop = asyncio.get_running_loop()
        asked = [loop.run_in_executor(pool, serve, number) for number in range(1, 4)]
        assert await asyncio.gather(*asked, ask(4)) == [1, 2, 3, 4]
        await ask(5)


def main(how: str) -> None:
    if how == "pool":
        return asyncio.run(pooled())
    asyncio.run(ask(0))
    if how == "prefork":
        children = [forked(number) for number in range(1, 4)]
        codes = [os.waitpid(pid, 0)[1] for pid in children]
    else:
        context = multiprocessing.get_context(how)
        processes = [context.Process(target=serve, args=(number,)) for number in range(1, 4)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        codes = [process.exitcode or 0 for process in processes]
    assert codes == [0, 0, 0]
    return asyncio.run(ask(4))


if __name__ == "__main__":
    main(sys.argv[1])
