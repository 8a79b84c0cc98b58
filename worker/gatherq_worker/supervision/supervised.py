"""A worker process's side of its supervisor: what it was given, and what it says at its end."""

import faulthandler
import json
import logging
import os
import signal
import threading
from typing import Any, Protocol

from gatherq_worker.ipc.endpoint import EndpointWriter
from gatherq_worker.ipc.process_contract import VARIABLE, Farewell
from gatherq_worker.ipc.scoreboard import Scoreboard

logger = logging.getLogger("gatherq.worker")


class SupervisedWorker(Protocol):
    """A worker that a supervisor can name, watch and speak for."""

    worker_id: str
    scoreboard: Scoreboard | None
    endpoint_writer: EndpointWriter | None


class SupervisorLink:
    """What the supervisor gave this process; nothing where there is no supervisor."""

    def __init__(
        self,
        worker: str | None = None,
        scoreboard: Scoreboard | None = None,
        endpoint_writer: EndpointWriter | None = None,
        alive: int | None = None,
        speaks: bool = True,
    ) -> None:
        #: Whether it tells people what all processes of the command have in common.
        self.speaks = speaks
        self._worker, self._endpoint_writer = worker, endpoint_writer
        self._scoreboard = scoreboard
        #: Descriptor of a pipe that the supervisor alone can write to, and never does.
        self._alive = alive

    @classmethod
    def inherited(cls) -> "SupervisorLink":
        """Take what the environment of this process names; jobs do not inherit it in turn."""
        text = os.environ.pop(VARIABLE, None)
        if text is None:
            return cls()
        given: dict[str, Any] = json.loads(text)
        return cls(
            given["worker"],
            Scoreboard(given["scoreboard"]),
            EndpointWriter(given["endpoint"]),
            given["alive"],
            given["speaks"],
        )

    @property
    def supervised(self) -> bool:
        """Whether there is a supervisor."""
        return self._scoreboard is not None

    def guard(self, grace: float) -> None:
        """Print stacks when this process crashes; stop it within `grace` s of its supervisor."""
        faulthandler.enable()
        if self._alive is not None:
            threading.Thread(target=self._outlive, args=(self._alive, grace), daemon=True).start()

    def attach(self, worker: SupervisedWorker) -> None:
        """Give the worker its name, its scoreboard, and the way to tell where its jobs are."""
        worker.worker_id = self._worker or worker.worker_id
        worker.scoreboard, worker.endpoint_writer = self._scoreboard, self._endpoint_writer

    def end(self, farewell: Farewell) -> None:
        """Tell the supervisor what the coming exit means."""
        if self._scoreboard:
            self._scoreboard.farewell = farewell

    def fail(self, text: str, farewell: Farewell) -> bool:
        """Tell the supervisor why this process ends; return whether it will say so."""
        self.end(farewell)
        return self._endpoint_writer is not None and self._endpoint_writer.tell_failure(text)

    def _outlive(self, alive: int, grace: float) -> None:
        os.read(alive, 1)  # returns at the end of the file: the supervisor is gone
        logger.error("the supervisor is gone; this worker ends too")
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(grace + 1)
        os._exit(1)
