"""The line that a worker says once it takes jobs."""

from collections.abc import Sequence

#: Most characters of the names of jobs.
_NAMES = 200


def start_line(
    server: str | None,
    queue: str,
    concurrency: int,
    processes: int,
    names: Sequence[str],
    schedules: int = 0,
) -> str:
    """Say where the jobs come from, how many run at a time, how to stop that, and which they are.

    `server` is its URL without a password; None for one that no URL says, as of sentinels.
    `schedules` is how many of them it keeps.
    """
    many = f"{processes} processes, each " if processes > 1 else ""
    jobs = f"{concurrency:,} job{'s' * (concurrency != 1)} at a time"
    kept = f"; keeps {schedules} schedule{'s' * (schedules != 1)}" if schedules else ""
    return (
        f"ready: {server or 'the server of its settings'}, queue {queue}; {many}{jobs}; "
        f"Ctrl-C or SIGTERM stops it; runs {_cut(names)}{kept}"
    )


def _cut(names: Sequence[str]) -> str:
    """Return as many of the names as fit, and the number of the others."""
    shown, size = 0, 0
    for name in names:
        size += len(name) + 2
        if shown and size > _NAMES:
            break
        shown += 1
    text = ", ".join(name[:_NAMES] for name in names[:shown])
    return f"{text} and {len(names) - shown} more" if shown < len(names) else text
