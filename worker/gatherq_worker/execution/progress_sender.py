"""Sends the progress of a job from its process to its worker."""

import os
import signal
import socket
import threading

from gatherq.contract.current_job import JobProgress
from gatherq_worker.ipc.frames import pack

#: Seconds between two frames: a heartbeat takes the last one.
_PAUSE = 0.5


class ProgressSender:
    """Keeps the last progress; from the first one on, a thread sends it now and then.

    Called by the job's code, as often as that likes.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._pid = connection, os.getpid()
        self._last: JobProgress | None = None
        self._thread: threading.Thread | None = None
        self._stopped, self._sending = threading.Event(), threading.Lock()

    def __call__(self, progress: JobProgress) -> None:
        """Keep it, to be sent."""
        self._last = progress
        if self._thread is None:
            self._start()

    def stop(self) -> None:
        """Send nothing more: the answer of the job comes next."""
        if os.getpid() == self._pid:  # in a fork of the job's the lock may be held for good
            with self._sending:
                self._stopped.set()

    def _start(self) -> None:
        """Start the thread, which signals are not for; without one the progress is not shown."""
        self._thread = thread = threading.Thread(target=self._send, daemon=True)
        if os.getpid() != self._pid:
            return  # a fork of the job's
        held = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            thread.start()
        except (RuntimeError, MemoryError):  # none can be had
            pass
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)

    def _send(self) -> None:
        sent = None
        while True:
            if (last := self._last) is not sent:
                sent = last
                with self._sending:
                    if self._stopped.is_set():
                        return
                    try:
                        self._connection.sendall(pack({"progress": last}))
                    except OSError:
                        return  # the worker has gone
            if self._stopped.wait(_PAUSE):
                return
