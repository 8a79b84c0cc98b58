"""Worker processes that belong to this program: `gatherq worker` under its supervisor."""

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from gatherq.aio import finish_first, start_task
from gatherq.errors import GatherqError
from gatherq.python_command import command_with_path
from gatherq.testing.forks import close_in_forks

from .worker_owner import OWNER, REDIS, read_report

#: Where a producer finds its server and queue, if its program names none.
_PRODUCERS_REDIS, _PRODUCERS_QUEUE = "GATHERQ_REDIS_URL", "GATHERQ_QUEUE"
#: Variables of `gatherq worker` that would make another command of it, and what one worker of a
#: machine can have.
_NOT_THEIRS = (
    *("GATHERQ_RELOAD", "GATHERQ_WATCH", "GATHERQ_HEALTH_PORT", "GATHERQ_HEALTH_FILE"),
    "GATHERQ_REDIS_PASSWORD_FILE",  # of another server; the URL of theirs says all
)


class Workers:
    """The processes of one `gatherq worker`. They end when this process does, however that is.

    A `Producer()` in a job of theirs has their server and queue. They hear of no Ctrl-C in this
    process's terminal. What they log and print goes where its descriptors 1 and 2 go.
    """

    def __init__(
        self, options: Sequence[str], path: list[str], redis_url: str, queue: str | None
    ) -> None:
        self._link, theirs = socket.socketpair()
        close_in_forks(self._link)
        self._link.setblocking(False)
        with theirs:
            kept = {k: v for k, v in os.environ.items() if k not in _NOT_THEIRS}
            kept |= {OWNER: str(theirs.fileno()), REDIS: redis_url, _PRODUCERS_REDIS: redis_url}
            if queue is not None:
                kept[_PRODUCERS_QUEUE] = queue
                options = ["--queue", queue, *options]
            self._process = subprocess.Popen(
                command_with_path("gatherq_worker", "worker", *options, path=path),
                env=kept,
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    async def ready(self) -> None:
        """Wait until all processes take jobs; raises GatherqError, which says why they cannot."""
        line = b""
        while not line.endswith(b"\n"):
            more = await asyncio.get_running_loop().sock_recv(self._link, 65_536)
            if not more:
                raise GatherqError("the workers did not start; what they logged says why")
            line += more
        if failure := read_report(line):
            raise GatherqError(failure)

    async def ended(self) -> None:
        """Wait until all processes have ended."""
        with suppress(ConnectionError):
            while await asyncio.get_running_loop().sock_recv(self._link, 65_536):
                pass
        self._link.close()
        self._process.wait()  # only its end has closed the other end

    async def stop(self) -> None:
        """Have them stop within their `--grace`, and wait for that.

        Cancelled, it goes on waiting before it raises; cancelled again it raises at once, and they
        stop nevertheless.
        """
        with suppress(OSError):
            self._link.shutdown(socket.SHUT_WR)
        await finish_first(start_task(self.ended()))

    def hurry(self) -> None:
        """Have those that stop already leave their jobs no more time."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End them at once, and their jobs: for when there is no server any more."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
