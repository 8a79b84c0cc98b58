"""Where in the queue a claim begins, and which jobs it passes over."""

from typing import NamedTuple


class QueuePosition(NamedTuple):
    """A position in the queue: a score, and how many members with that score to skip."""

    score: str = "-inf"
    same: int = 0


#: The front of the queue.
FRONT = QueuePosition()


class Passing(NamedTuple):
    """Jobs that a claim passes over."""

    #: Their names, as a JSON list, each as it stands in a job's data; empty for none.
    names: bytes = b""
    #: For how long after a job was due (ms).
    ms: int = 0
    #: Where the claim begins.
    position: QueuePosition = FRONT


#: A claim that passes over nothing.
NO_PASSING = Passing()
