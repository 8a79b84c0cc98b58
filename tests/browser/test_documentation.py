"""The pictures of the documentation: a pool at work, as its pages show it.

`make browser WRITE_DOCS=1` makes them anew.
"""

import os
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest
from redis import Redis

from gatherq import call
from gatherq.contract.keys import KeySpace
from gatherq.contract.statistics import BUCKETS
from gatherq.testing.server import embedded_server

from ..conftest import gatherq
from ..house import DOCS
from .conftest import served
from .world import World

HERE = Path(__file__).parent
#: Slots of the batch, and minutes of which something is counted before it.
SIZE, MINUTES = 2000, 58


@pytest.fixture
def crawl(tmp_path):
    """Yield the address of a page, and the pool that it shows: three workers, and a past."""
    with ExitStack() as stack:
        url, _ = stack.enter_context(embedded_server())
        environment = {**os.environ, "GATHERQ_REDIS_URL": url}
        command = gatherq("worker", "crawler", "--concurrency", "12", "--grace", "0", "--quiet")
        for _ in range(3):
            worker = subprocess.Popen(
                command, cwd=HERE, env=environment, stderr=subprocess.DEVNULL, process_group=0
            )
            stack.callback(worker.wait, 20)
            stack.callback(worker.terminate)
        world = World(url, tmp_path)
        stack.callback(world.close)
        write_past(url)
        yield stack.enter_context(served(url)), world


def write_past(url):
    """Write what was counted in the last hour, as workers do."""
    random, keys = Random(7), KeySpace()
    with Redis.from_url(url) as redis:
        minute = int(redis.time()[0]) // 60
        pack = "redis.call('HSET', KEYS[1], ARGV[1], cmsgpack.pack(cjson.decode(ARGV[2])))"
        for ago in range(1, MINUTES):
            for name, share in (("fetch", 3), ("parse", 1)):
                key = keys.statistics(str(minute - ago))
                redis.eval(pack, 1, key, name, counted(random, share, ago))


def counted(random, share, ago):
    """Return the vector of a minute: a wave, with a bad quarter of an hour."""
    ended = int(share * (220 + 120 * (ago % 29) / 29 + random.random() * 60))
    failed = int(ended * (0.22 if 20 < ago < 32 else 0.03))
    late = int(ended * 0.01)
    run, wait = [0] * BUCKETS, [0] * BUCKETS
    for bucket, part in ((4, 0.2), (5, 0.35), (6, 0.35), (7, 0.1)):
        run[bucket] = int(ended * part)
    for bucket, part in ((6, 0.5), (8, 0.3), (9, 0.2 if ago % 29 > 20 else 0.02)):
        wait[bucket] = int(ended * part)
    counts = [ended - failed - late, failed, late, 0, 0, ended // 20, ended * 110, ended * 400]
    return str([*counts, *run, *wait])


async def submit(producer):
    calls = [call("parse" if n % 4 == 3 else "fetch", n) for n in range(SIZE)]
    return await producer.submit(calls, batch_id="nightly-crawl", label="nightly crawl of 2,000")


@pytest.mark.parametrize("site", [""], indirect=True)
def test_the_pages_of_a_pool_at_work(crawl, visit):
    address, world = crawl
    batch = world.do(submit)
    size = {"viewport": {"width": 1180, "height": 900}}
    shown = visit(f"/batches/{batch.id}", at=address, **size)
    overview = visit("/", at=address, **size)
    until_finished(world, batch.id, 0.7)
    shown.page.wait_for_selector("#timeline[height]")
    picture(overview.page, "overview.png", "[data-chart=took][data-drawn] canvas")
    picture(shown.page, "batch.png", "#slots")
    assert shown.fits()
    assert overview.fits()


def until_finished(world, batch, share):
    async def finished(producer):
        found = await producer.batch(batch)
        return (await found.counts()).finished

    until = time.monotonic() + 60
    while world.do(finished) < SIZE * share:
        assert time.monotonic() < until


def picture(page, name, drawn):
    page.wait_for_selector(drawn, timeout=40_000)
    taken, file = page.screenshot(full_page=True), DOCS / "pictures" / name
    if "WRITE_DOCS" in os.environ:
        file.write_bytes(taken)
    assert file.stat().st_size < 400_000
