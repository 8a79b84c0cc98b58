"""Jobs of a crawl such as many have, for pictures: most are quick, some fail, some are late."""

import asyncio
from random import Random

from gatherq import current_job, job


async def _work(page: int, seed: int) -> Random:
    random = Random(page * 31 + seed)
    await asyncio.sleep(random.lognormvariate(-2.2, 0.5))
    return random


@job(timeout=1, retries=1, retry_on=ConnectionRefusedError, backoff=0.05)
async def fetch(page: int) -> str:
    random = await _work(page, 1)
    if page % 131 == 7:
        await asyncio.Event().wait()
    if random.random() < 0.04 or (random.random() < 0.05 and current_job().attempt == 1):
        raise ConnectionRefusedError(111, f"connect to 10.0.3.{page % 250}:443 refused")
    return f"page {page}"


@job(timeout=5)
async def parse(page: int) -> dict[str, int]:
    random = await _work(page, 2)
    if random.random() < 0.03:
        raise KeyError("title")
    return {"links": page % 40}
