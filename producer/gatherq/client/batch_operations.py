"""What a producer asks of a whole batch: in runs, each repeated until it is answered.

A reply can be lost after the step has done its work. So each run has an id, by which the step knows
it again: it does nothing twice, and gives the same answer.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from gatherq.errors import BatchNotFound
from gatherq.store.maintenance import RUN

from .session import Session

#: Slots that one call puts back: their histories go with them.
_PUT_BACK = 50


async def cancel(session: Session, batch: str, slots: Sequence[int], by: str) -> int:
    """Cancel slots, or all with none given; return how many ended or were asked to end."""
    wanted = sorted(set(slots))
    count = 0
    for run in _runs(wanted, RUN):
        request = secrets.token_hex(6)
        found = await session.retrying(partial(session.store.cancel, batch, run, by, request))
        if found is None:
            raise BatchNotFound.gone(batch, "its data")
        count += found
    if not wanted and count:
        await session.retrying(partial(session.store.sweep, batch, force=True))
    return count


async def redrive(session: Session, batch: str, ended: Mapping[int, str]) -> int:
    """Put back these slots, that ended with these statuses; return how many were."""
    await session.retrying(partial(session.store.extend, batch))
    count, first = 0, True
    for run in _runs(sorted(ended), _PUT_BACK):
        statuses = {slot: ended[slot] for slot in run}
        known = await session.retrying(partial(session.store.ended_badly, batch, statuses))
        request = secrets.token_hex(6)
        found = await session.retrying(
            partial(session.store.put_back, batch, first, known, request)
        )
        if found is None:
            raise BatchNotFound.gone(batch, "its data")
        count, first = count + found, False
    return count


async def delete(session: Session, batch: str) -> None:
    """Remove all that there is of a batch; raises BatchNotFound if there is nothing."""
    if not await session.retrying(partial(session.store.size_of, batch)):
        raise BatchNotFound.gone(batch, "its data")
    first = 0
    while True:
        first = await session.retrying(partial(session.store.delete, batch, first))
        if not first:
            return


def _runs(slots: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    """Cut into runs; one, empty, for no slots."""
    for start in range(0, max(len(slots), 1), most):
        yield slots[start : start + most]
