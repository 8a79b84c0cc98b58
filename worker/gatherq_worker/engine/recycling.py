"""When a worker process is recycled: it ends, and another begins in its place."""

import sys

#: Abandoned executions that still run, from which on a process is recycled.
_MOST_ABANDONED = 20
#: Bytes in a unit of `ru_maxrss`.
_UNIT = 1 if sys.platform == "darwin" else 1024
_ENDLESS = 1 << 62


class RecycleLimits:
    """Limits of one process: jobs that it starts, and bytes of memory that it has used at most."""

    def __init__(self, most_jobs: int | None, most_memory: int | None) -> None:
        self._most_jobs = most_jobs or _ENDLESS
        self._most_memory = most_memory

    def left(self, started: int) -> int:
        """Return how many more jobs the process may start."""
        return self._most_jobs - started

    def out(self, started: int, abandoned: int) -> bool:
        """Tell whether a limit is reached."""
        if started >= self._most_jobs or abandoned >= _MOST_ABANDONED:
            return True
        return self._most_memory is not None and _memory() >= self._most_memory


def _memory() -> int:
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT
