"""`--health-file`: how this worker is, in a file, for a probe that is to cost nothing.

`gatherq-probe` reads it: the seconds since 1970, whether the worker is alive and ready (1 or 0),
and why not.
"""

import contextlib
import logging
import os
import time

from .pool_health import PoolHealth

logger = logging.getLogger("gatherq.worker")

#: Seconds between two writes of what has not changed; `gatherq-probe` gives it fifteen.
_AGAIN = 1.0
#: Bytes of the line, so that each takes the place of the one before, and needs no room of its own.
_SIZE = 512
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class HealthFile:
    """Writes the file; where that fails the log says so, and the worker goes on."""

    def __init__(self, path: str) -> None:
        self._path, self._trouble = path, ""
        self._verdict, self._written_at = (False, False), 0.0

    def tell(self, health: PoolHealth) -> None:
        """Write how the worker is, if that is new or was not written for a second."""
        dead, unready = health.dead(health.at), health.unready(health.at)
        verdict = not dead, not unready
        if verdict == self._verdict and health.at - self._written_at < _AGAIN:
            return
        self._verdict, self._written_at = verdict, health.at
        try:
            why = "; ".join((dead or unready, *map(str, health.processes)))
            self._write(f"{time.time():.0f} {verdict[0]:d} {verdict[1]:d} {why}")
            self._trouble = ""
        except OSError as error:
            if self._trouble != (trouble := str(error)):
                logger.warning("--health-file cannot be written: %s", trouble)
            self._trouble = trouble

    def close(self) -> None:
        """Remove the file: who has ended is not alive."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)

    def _write(self, line: str) -> None:
        file = os.open(self._path, _FLAGS, 0o644)
        try:
            os.write(file, line.encode()[: _SIZE - 1].ljust(_SIZE - 1) + b"\n")
        finally:
            os.close(file)
