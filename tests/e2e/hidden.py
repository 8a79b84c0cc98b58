"""Jobs with a word everywhere that a page must not show."""

import asyncio
from pathlib import Path

from gatherq import current_job, job

WORD = "tell-nobody"


class Refused(Exception):
    pass


@job()
async def returns(word: str, *, password: str = "") -> dict[str, list[str]]:
    return {"x": [word, password]}


@job(retries=1, backoff=0)
async def raises(word: str) -> None:
    error = Refused(f"no {word}")
    error.add_note(f"{word} is not there")
    raise error from FileNotFoundError(2, word, f"/home/{word}")


@job()
async def raises_many(word: str) -> None:
    raise ExceptionGroup(word, [ValueError(word), KeyError(word)])


@job(timeout=0.05)
async def is_late(word: str) -> None:
    await asyncio.sleep(5)


@job(retries=5, retry_on=Refused, backoff=600)
async def backs_off(word: str) -> None:
    raise Refused(word)


@job(timeout=60)
async def waits(word: str, path: str) -> None:
    current_job().progress(1, 2, f"at {word}")
    while not Path(path).exists():
        await asyncio.sleep(0.01)
