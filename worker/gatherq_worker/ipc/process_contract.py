"""What a worker process and its supervisor agree on: a variable, exit codes, farewells, signals."""

import enum
import signal

#: Environment variable in which a worker process finds what its supervisor gave it, as JSON.
VARIABLE = "GATHERQ_SUPERVISED"
#: Exit code of a process that is to be replaced, for supervisors of other kinds.
RECYCLED = 75
#: Seconds after a first signal within which further ones mean the same stop.
ONE_STOP = 1.0


class Farewell(enum.IntEnum):
    """What a process says of its own end. An exit code says nothing: jobs can cause any."""

    #: Nothing was said: the process died.
    NONE = 0
    #: Its work is done, or can never be done: no process takes its place.
    FINAL = 1
    #: Another process is to take its place at once.
    RECYCLE = 2
    #: The process was told to stop.
    STOPPED = 3
    #: The process could not start, this time.
    FAILED = 4


def how_it_died(code: int, killed_by: str = "out of memory, or by a person") -> str:
    """Describe the exit code of a process; negative for a signal, of which SIGKILL has a sender."""
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = f" ({killed_by})" if name == "SIGKILL" else ""
    return f"killed by {name}{hint}"
