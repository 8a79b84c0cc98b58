"""What a worker process and its supervisor agree on: variable, exit codes, farewells, signals."""

import enum
import signal

#: Environment variable in which a worker process finds what its supervisor gave it.
VARIABLE = "GATHERQ_SUPERVISED"
#: Exit code of a process that wants to be started again, for whoever watches over it.
RECYCLED = 75
#: Signals within so many seconds of the first are the same stop, whoever sends them.
ONE_STOP = 1.0


class Farewell(enum.IntEnum):
    """What a process says of its own end, whatever its exit code: jobs can make any."""

    #: It has said nothing: it died.
    NONE = 0
    #: It has done all that it is for, or never will: there is to be no other.
    FINAL = 1
    #: Another is to begin in its place, at once.
    RECYCLE = 2
    #: It was told to stop.
    STOPPED = 3
    #: It could not start, this time.
    FAILED = 4


def how_it_died(code: int) -> str:
    """Say what an exit code means."""
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = ": out of memory, or by hand" if name == "SIGKILL" else ""
    return f"killed by {name}{hint}"
