"""A worker process, as its supervisor sees it."""

import asyncio
import contextlib
import json
import os
import secrets
import socket
from collections.abc import Sequence
from time import monotonic
from typing import Literal

from gatherq_worker.ipc.endpoint import Endpoint, EndpointReader
from gatherq_worker.ipc.process_contract import VARIABLE
from gatherq_worker.ipc.scoreboard import Scoreboard

#: Seconds of silence that mean that the interpreter is held.
SILENT = 0.3
#: Seconds that the process has to keep a deadline itself, before its supervisor does.
_LEAD, _LEAD_THREAD = 0.1, 0.5


class WorkerProcess:
    """Its process, its name, the page that it shares, and what it said."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        worker: str,
        page: Scoreboard,
        inbox: EndpointReader,
    ) -> None:
        self.process, self.worker, self.page, self._inbox = process, worker, page, inbox
        self.born = monotonic()
        #: Why the supervisor ended it, and when, if it did.
        self.ended_for: Literal["", "late", "silent"] = ""
        self.ended_at = 0.0
        #: When its leases were renewed for it.
        self.kept = 0.0

    @classmethod
    async def start(cls, command: Sequence[str], alive: int) -> "WorkerProcess":
        """Start one; raises what the machine's shortages raise."""
        with contextlib.ExitStack() as undo:
            page = Scoreboard()
            undo.callback(page.close)
            inbox = EndpointReader()
            undo.callback(inbox.close)
            worker = f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(3)}"
            known = {"worker": worker, "page": page.fd, "alive": alive, "endpoint": inbox.theirs}
            process = await asyncio.create_subprocess_exec(
                *command,
                # It has no terminal: to read of one would stop it, as it is not in the foreground.
                stdin=asyncio.subprocess.DEVNULL,
                env={**os.environ, VARIABLE: json.dumps(known)},
                pass_fds=(page.fd, alive, inbox.theirs),
                start_new_session=True,
            )
            inbox.given()
            undo.pop_all()
        return cls(process, worker, page, inbox)

    def close(self) -> None:
        """Give back what it shared with its supervisor, once it has ended."""
        self.page.close()
        self._inbox.close()

    @property
    def endpoint(self) -> Endpoint | None:
        """Where it takes its jobs from; None before it does."""
        return self._inbox.endpoint

    def signal(self, signum: int) -> None:
        """Send a signal, if it still lives."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signum)

    @property
    def stuck(self) -> Literal["", "late", "silent"]:
        """Whether its code holds the interpreter: past a limit, or past the lease."""
        silent, endpoint = self.page.silent_for(), self.endpoint
        if silent <= SILENT or endpoint is None:
            return ""
        now, mark = monotonic(), self.page.mark()
        if mark and mark.overdue and now > mark.overdue + _LEAD:
            return "late"
        threads = (known for known in self.page.begun() if known.where == "thread")
        if any(known.late(now - _LEAD_THREAD) for known in threads):
            return "late"
        if mark and mark.overdue:
            return ""
        return "silent" if silent > endpoint.lease + 1 else ""
