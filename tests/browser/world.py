"""A pool with batches of every kind, for pages to show: a real server and a real worker."""

import asyncio
import os
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

from gatherq import Producer, call

from ..conftest import gatherq

HERE = Path(__file__).parent
HOSTILE = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"


class World:
    """What the pages of this pool show; `do` runs a coroutine on a loop of its own.

    Batches: `nightly`, which has ended with errors; `going`, of which ten slots run until `finish`
    is called and ten are to come; `hostile`, whose texts would like to be script.
    """

    def __init__(self, url, folder):
        self.url, self._go = url, folder / "go"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._rounds = 0

    def do(self, work, *args):
        """Return what a coroutine function returns that is given a producer."""

        async def done():
            async with Producer(self.url, patience=5) as producer:
                return await work(producer, *args)

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(60)

    async def fill(self, producer):
        calls = [call("fetch", page) for page in range(200)]
        calls[20:24] = [call("slow", page) for page in range(4)]
        nightly = await producer.submit(calls, batch_id="nightly", label="nightly crawl")
        hostile = [call("fetch", 3, host=HOSTILE), call("fetch", 4, host=HOSTILE), call("long")]
        bad = await producer.submit(hostile, batch_id="hostile", label="<b>bold</b>")
        await nightly.outcomes()
        await bad.outcomes()
        await producer.submit(self.waiting(20), batch_id="going")

    def waiting(self, count):
        """Return calls that run until `finish`."""
        return [call("waits", str(self._go)) for _ in range(count)]

    def failing(self, count):
        """Return calls that fail alike."""
        return [call("fetch", 10 * page + 3) for page in range(count)]

    def hold(self):
        """Let all that waits end, and what is submitted from now on wait."""
        self.finish()
        self._rounds += 1
        self._go = self._go.with_name(f"go{self._rounds}")

    def finish(self):
        """Let all that waits end."""
        self._go.touch()

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def world(url):
    """Yield a filled World."""
    with tempfile.TemporaryDirectory() as folder:
        made = World(url, Path(folder))
        command = gatherq("worker", "jobs", "--concurrency", "10", "--grace", "0")
        environment = {**os.environ, "GATHERQ_REDIS_URL": url}
        worker = subprocess.Popen(command, cwd=HERE, env=environment, stderr=subprocess.DEVNULL)
        try:
            made.do(made.fill)
            yield made
        finally:
            made.close()
            worker.terminate()
            worker.wait(10)
