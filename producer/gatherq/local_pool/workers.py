"""Worker processes that belong to this program: `gatherq worker` under its supervisor."""

import os
import signal
from collections.abc import Sequence
from contextlib import suppress

from .owned_process import OwnedProcess, environment_without
from .worker_owner import REDIS

#: Where a producer finds its server and queue, if its program names none.
_PRODUCERS_REDIS, _PRODUCERS_QUEUE = "GATHERQ_REDIS_URL", "GATHERQ_QUEUE"
#: Variables of `gatherq worker` that would make another command of it.
_OTHER_COMMANDS = "GATHERQ_RELOAD", "GATHERQ_WATCH"


class Workers(OwnedProcess):
    """The processes of one `gatherq worker`; ready when all of them take jobs.

    A `Producer()` in a job of theirs has their server and queue. Stopped, they stop within their
    `--grace`.
    """

    name: str = "the workers"

    def __init__(
        self, options: Sequence[str], path: list[str], redis_url: str, queue: str | None
    ) -> None:
        variables = environment_without(*_OTHER_COMMANDS)
        variables |= {REDIS: redis_url, _PRODUCERS_REDIS: redis_url}
        if queue is not None:
            variables[_PRODUCERS_QUEUE] = queue
            options = ["--queue", queue, *options]
        super().__init__(["worker", *options], variables, path)

    def hurry(self) -> None:
        """Have those that stop already leave their jobs no more time."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End them at once, and their jobs: for when there is no server any more."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
