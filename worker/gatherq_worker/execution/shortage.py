"""Shortages of this process or its machine: never the fault of the job that meets one."""

import errno

#: Errors of a system that has no processes, threads, memory or descriptors left.
_CODES = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE}


class Shortage(Exception):
    """A job cannot begin here just now; says what is missing."""


def out_of_descriptors(error: BaseException | None) -> bool:
    """Tell whether an error, or a cause of it, says that this process has no descriptor left."""
    for _ in range(10):
        if error is None or (isinstance(error, OSError) and error.errno == errno.EMFILE):
            break
        error = error.__cause__ or error.__context__
    return isinstance(error, OSError) and error.errno == errno.EMFILE


def is_shortage(error: BaseException) -> bool:
    """Tell whether an error that came before a job's own code began is a shortage."""
    if isinstance(error, OSError):
        return error.errno in _CODES
    if isinstance(error, RuntimeError):
        return "can't start new thread" in str(error)
    return isinstance(error, Shortage | MemoryError)
