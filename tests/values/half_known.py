"""Jobs of which one has an annotation that cannot be resolved."""

from typing import TYPE_CHECKING

from gatherq import job

if TYPE_CHECKING:
    from nowhere import Unknown


@job(isolation="process")
async def half_known(x: "Unknown") -> "Unknown":
    return x


@job(isolation="process")
async def known(x: int) -> int:
    return x
