"""Jobs for workers in odd places."""

import asyncio
import sys
import warnings

from gatherq import job


@job(name="größe")
async def size(text: str) -> int:
    print(text)
    return len(text)


@job()
def in_a_thread() -> str:
    return f"{sys.flags.optimize} {__doc__}"


@job(isolation="process")
def apart(text: str) -> str:
    print(text, file=sys.stderr)
    return f"{sys.flags.optimize} {text}"


@job()
async def many(count: int) -> int:
    return sum(await asyncio.gather(*(asyncio.sleep(0, n) for n in range(count))))


@job(isolation="process")
def warned() -> None:
    warnings.warn("old", DeprecationWarning, stacklevel=1)
