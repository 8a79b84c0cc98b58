"""Several workers in one process, each with all that a worker process has but a supervisor.

python -m scale.fleet PEER URL COUNT
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from peers.adapters import bare

from gatherq_worker import registry
from gatherq_worker.arq.run import run_native
from gatherq_worker.settings import WorkerSettings

from .site import OURS, QUEUES, YARDSTICK

JOBS = "peers.adapters.gatherq_jobs"


async def _ours(url: str) -> None:
    """Run what a process of `gatherq worker` runs, with its defaults."""
    settings = WorkerSettings(redis_url=url, queue=QUEUES[OURS])
    await run_native(registry.load([JOBS]), settings, lambda worker: None, speaks=False)


#: What runs one worker until it is ended.
RUN: dict[str, Callable[[str], Awaitable[None]]] = {OURS: _ours, YARDSTICK: bare.main}


async def main(peer: str, url: str, count: int) -> None:
    """Run them all."""
    await asyncio.gather(*(RUN[peer](url) for _ in range(count)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
