"""Jobs that do nothing, and fail with a number in their message."""

from gatherq import job


@job()
async def noop(number: int) -> int:
    """Return what came."""
    return number


@job()
async def fail(number: int) -> None:
    """Raise."""
    raise ValueError(f"no {number}")
