"""A batch such as many have: two jobs on three workers, with retries, failures and stragglers."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from heapq import heapify, heapreplace
from random import Random

from ..unit.inspection.report.slots import attempt, failed, report_of, succeeded, timed_out

#: Jobs that a worker runs at a time.
_PLACES = 25


def crawl(count):
    """Return its report, always the same."""
    return made(*_slots(count), now=3600.0, id="nightly-crawl", by="etl-3.812")


def made(*slots, **fields):
    """Return the report of slots; playwright has the loop of this thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(report_of(*slots, **fields))).result()


def _slots(count):
    random = Random(13)
    free = [(0.02 + 0.1 * worker, worker) for worker in range(3) for _ in range(_PLACES)]
    heapify(free)
    for number in range(count):
        start, worker = free[0]
        slot, end = _slot(number, start, f"host-{'abc'[worker]}.{40 + worker}", random)
        heapreplace(free, (end, worker))
        yield slot


def _slot(number, start, worker, random):
    took = random.lognormvariate(-3.2, 0.6)
    given = {"worker": worker, "name": "parse" if number % 4 == 0 else "fetch"}
    chance = random.random()
    if number % 251 == 7:
        return timed_out(number, start, start + 2, **given), start + 2
    if chance < 0.05:
        return failed(number, start, start + took, **_error(number), **given), start + took
    if chance < 0.12:
        again = start + took + 0.05
        given["history"] = [attempt(1, start, start + took, worker=worker)]
        return succeeded(number, again, again + took, **given), again + took
    return succeeded(number, start, start + took, **given), start + took


def _error(number):
    if number % 4:
        where = 'File "jobs.py", line 11, in fetch\n    await connect(host)\n'
        message = f"[Errno 111] connect to 10.0.3.{number % 250}:443 refused"
        return {"type_": "ConnectionRefusedError", "message": message, "traceback": where}
    where = 'File "jobs.py", line 20, in parse\n    title = found["title"]\n'
    return {"type_": "KeyError", "message": "'title'", "traceback": where}
