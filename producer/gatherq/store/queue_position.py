"""What a claim is to pass over, and where it begins."""

from typing import NamedTuple


class Place(NamedTuple):
    """A place in the queue: a score, and how many members of that score come before it."""

    score: str = "-inf"
    same: int = 0


#: The front of the queue.
FRONT = Place()


class Passing(NamedTuple):
    """What a claim is to pass over: names (JSON, each as in jobs), how long (ms), from where."""

    names: bytes = b""
    ms: int = 0
    place: Place = FRONT
