"""When a worker process is recycled: it ends, and another begins in its place."""

import sys

#: Abandoned executions that still run, from which on a process is recycled.
_MOST_ABANDONED = 20
#: Bytes in a unit of `ru_maxrss`.
_UNIT = 1 if sys.platform == "darwin" else 1024
_MIB = 1024 * 1024
_ENDLESS = 1 << 62


class RecycleLimits:
    """Limits of one process: jobs that it starts, and bytes of memory that it has used at most."""

    def __init__(self, most_jobs: int | None, most_memory: int | None) -> None:
        self._most_jobs = most_jobs or _ENDLESS
        self._most_memory = most_memory

    def left(self, started: int) -> int:
        """Return how many more jobs the process may start."""
        return self._most_jobs - started

    def reached(self, started: int, abandoned: int) -> str:
        """Say which limit is reached; empty for none."""
        if started >= self._most_jobs:
            return f"it has started {started:,} jobs"
        if abandoned >= _MOST_ABANDONED:
            return f"{abandoned} executions do not end"
        if self._most_memory is not None and (used := _memory()) >= self._most_memory:
            return f"it has used {used / _MIB:,.0f} MiB of memory"
        return ""


def _memory() -> int:
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT
