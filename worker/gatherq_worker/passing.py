"""What a claim is to pass over."""

from typing import NamedTuple


class Passing(NamedTuple):
    """What a claim is to pass over: names (JSON), for how long (ms), and the first of the queue."""

    names: str = ""
    ms: int = 0
    first: int = 0
