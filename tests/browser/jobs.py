"""Jobs of which batches have all kinds of outcomes, and one that runs for as long as is wanted."""

import asyncio
import os

from gatherq import Retry, job


@job(timeout=5)
async def fetch(page: int, host: str = "example.org") -> str:
    if page % 10 == 3:
        raise ConnectionRefusedError(111, f"connect to 10.0.3.{page}:443 refused")
    if page % 25 == 7:
        raise KeyError("title")
    return f"page {page} of {host}"


@job(timeout=0.05)
async def slow(page: int) -> None:
    await asyncio.Event().wait()


@job()
async def flaky(page: int, attempt: int = 1) -> str:
    raise Retry(delay=0.01)


@job(timeout=600)
async def waits(file: str) -> str:
    """Run until a file is there."""
    while not os.path.exists(file):
        await asyncio.sleep(0.02)
    return "seen"


@job(timeout=5)
async def long() -> None:
    """Fail with a text that is no words, so that nothing can break it into lines."""
    raise KeyError("a\nb\n" + "x" * 3000)
