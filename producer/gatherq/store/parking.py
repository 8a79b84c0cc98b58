"""What a worker tells Redis of jobs that it has claimed and may not begin, and of its places."""

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from .claims import Parkable

P_co = TypeVar("P_co", bound=Parkable, covariant=True)


class LaneRoom(NamedTuple):
    """For how many jobs of a lane a worker has places."""

    name: str
    left: int
    #: The kind of these places, and how many are left of it for all lanes.
    kind: str
    left_of_kind: int


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate that jobs pass: how many may be inside, and the time between two starts (µs)."""

    name: str
    most: int | None = None
    interval: int | None = None


#: A gate that lets everybody in.
OPEN: Gate = Gate("")


@dataclass(frozen=True, slots=True)
class Admission(Generic[P_co]):
    """A claim that may not begin without asking."""

    attempt: P_co
    #: The lane that it is to wait in; empty if this worker has a place for it.
    lane: str = ""
    gate: Gate | None = None
