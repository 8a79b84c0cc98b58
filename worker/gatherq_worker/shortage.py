"""What this worker or its machine is short of: never the fault of the job that meets it."""

import errno

#: Errors of a system that has no processes, threads, memory or descriptors left.
_CODES = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE}


class Shortage(Exception):
    """A job cannot begin here just now; says what is missing."""


def is_shortage(error: BaseException) -> bool:
    """Tell whether an error that came before a job's own code says so."""
    if isinstance(error, OSError):
        return error.errno in _CODES
    if isinstance(error, RuntimeError):
        return "can't start new thread" in str(error)
    return isinstance(error, Shortage | MemoryError)
