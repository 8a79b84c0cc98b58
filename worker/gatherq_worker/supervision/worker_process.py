"""A worker process, as its supervisor sees and starts it."""

import asyncio
import contextlib
import json
import os
from collections.abc import Sequence
from time import monotonic
from typing import Literal

from gatherq_worker.ipc.endpoint import Endpoint, EndpointReader
from gatherq_worker.ipc.process_contract import VARIABLE
from gatherq_worker.ipc.scoreboard import Scoreboard
from gatherq_worker.ipc.worker_name import new_worker_name

#: Seconds without a sign of life after which the interpreter counts as held.
SILENT = 0.3
#: Seconds past a deadline, of the loop and of threads, before the supervisor acts: the process
#: has had its chance by then.
_LEAD, _LEAD_THREAD = 0.1, 0.2


class WorkerProcess:
    """The process, the name of its worker, its scoreboard, and the endpoint of its queue."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        worker: str,
        scoreboard: Scoreboard,
        endpoint_reader: EndpointReader,
        speaks: bool = False,
    ) -> None:
        self.process, self.worker, self.scoreboard = process, worker, scoreboard
        self._endpoint_reader = endpoint_reader
        #: Whether it tells people what all processes of the command have in common.
        self.speaks = speaks
        self.born = monotonic()
        #: Why the supervisor ended the process, and when; empty if it did not.
        self.ended_for: Literal["", "late", "silent"] = ""
        self.ended_at = 0.0
        #: When the supervisor last renewed the leases for it.
        self.renewed_at = 0.0

    @classmethod
    async def start(cls, command: Sequence[str], alive: int, speaks: bool) -> "WorkerProcess":
        """Start a process; raises OSError and others where the machine is short of something."""
        with contextlib.ExitStack() as undo:
            scoreboard = Scoreboard()
            undo.callback(scoreboard.close)
            reader = EndpointReader()
            undo.callback(reader.close)
            worker = new_worker_name()
            given = {"worker": worker, "scoreboard": scoreboard.fd}
            given |= {"alive": alive, "endpoint": reader.writer_fd, "speaks": speaks}
            process = await asyncio.create_subprocess_exec(
                *command,
                # A process in the background that reads from a terminal is stopped.
                stdin=asyncio.subprocess.DEVNULL,
                env={**os.environ, VARIABLE: json.dumps(given)},
                pass_fds=(scoreboard.fd, alive, reader.writer_fd),
                start_new_session=True,
            )
            reader.close_writer()
            undo.pop_all()
        return cls(process, worker, scoreboard, reader, speaks)

    def close(self) -> None:
        """Give back what the process shared with its supervisor, once it has ended."""
        self.scoreboard.close()
        self._endpoint_reader.close()

    @property
    def endpoint(self) -> Endpoint | None:
        """Address of its queue; None before the process has told it."""
        return self._endpoint_reader.endpoint

    @property
    def failure(self) -> str:
        """Why it could not work, as it said at its end; empty if it said nothing."""
        return self._endpoint_reader.failure

    def signal(self, signum: int) -> None:
        """Send a signal, if the process still lives."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signum)

    @property
    def stuck(self) -> Literal["", "late", "silent"]:
        """Whether a job holds the interpreter past a limit (late) or past the lease (silent)."""
        silent, endpoint = self.scoreboard.silent_for(), self.endpoint
        if silent <= SILENT or endpoint is None:
            return ""
        now, job = monotonic(), self.scoreboard.running_job()
        if job and job.overdue and now > job.overdue + _LEAD:
            return "late"
        threads = (each for each in self.scoreboard.executions() if each.where == "thread")
        if any(execution.late(now - _LEAD_THREAD) for execution in threads):
            return "late"
        if job and job.overdue:
            return ""
        return "silent" if silent > endpoint.lease + 1 else ""
