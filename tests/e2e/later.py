"""A later version of the jobs: it has one that the others do not know."""

from gatherq import job


@job()
async def newly(value: int) -> int:
    return value
