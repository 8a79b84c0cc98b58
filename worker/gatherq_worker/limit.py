"""How long an attempt may take: its own limit, or what is left of its batch's."""

from typing import NamedTuple

from .attempt import Deadline


class Limit(NamedTuple):
    """The tighter of two limits."""

    #: Seconds from now; None for no limit.
    seconds: float | None
    which: str = "execution"
    #: The limit as it was set, in seconds: what the outcome says.
    named: float | None = None


def tightest(own: float | None, batch: Deadline, now: int) -> Limit:
    """Choose for an attempt that starts `now`, in ms of Redis's clock."""
    left = max((batch.at - now) / 1000, 0.0)
    if own is not None and own <= left:
        return Limit(own, named=own)
    return Limit(left, "batch", batch.limit)
