"""What a worker says of its stop, to the people who asked for it."""

import signal


def stopping(signum: int, grace: float, running: int) -> str:
    """Say what a first signal does."""
    if not running:
        return "stopping: no job is running"
    jobs = _jobs(running, "running ")
    again = "press Ctrl-C again" if signum == signal.SIGINT else "send the signal again"
    return f"stopping: waits up to {grace:g} s for {jobs}; {again} to stop at once"


def too_soon(signum: int) -> str:
    """Say that a signal came too soon after the first to mean more than that."""
    again = "press Ctrl-C once more" if signum == signal.SIGINT else "send the signal once more"
    return f"that was within a second of the first: {again} to stop at once"


def at_once(running: int) -> str:
    """Say what a second signal does."""
    return "stopping at once" + (f": interrupts {_jobs(running, 'running ')}" if running else "")


def stopped(succeeded: int, others: int) -> str:
    """Say how many jobs ended while the worker was there."""
    return f"stopped: {_jobs(succeeded)} succeeded, {others:,} did not"


def _jobs(count: int, which: str = "") -> str:
    return f"{count:,} {which}job{'s' * (count != 1)}"
