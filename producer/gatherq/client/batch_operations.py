"""Operations of a producer on a whole batch, in chunks, each repeated until Redis has answered.

A reply can be lost after the step has done its work. So each chunk has a request id: the step
recognizes a repetition, changes nothing a second time, and answers the same.
"""

import asyncio
import logging
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from gatherq.aio import finish_first, finish_surely
from gatherq.contract.validation import check_keep
from gatherq.errors import BatchNotFound, GatherqError, NoWorkers
from gatherq.store.maintenance import CHUNK

from .collection.batch_reader import BatchReader
from .collection.collector import Collector
from .session import Session

logger: logging.Logger = logging.getLogger("gatherq")

#: Most slots that one call puts back: their histories travel with them.
_REDRIVE_CHUNK = 50
#: Slots whose signatures are read in one round trip.
_SIGNATURE_CHUNK = 100


async def cancel(session: Session, batch: str, slots: Sequence[int], by: str) -> int:
    """Cancel slots, or all with none given; return how many ended or were asked to end."""
    selection = sorted(set(slots))
    total = 0
    for chunk in _chunks(selection, CHUNK):
        request = secrets.token_hex(6)
        count = await session.retry(session.store.cancel, batch, chunk, by, request)
        if count is None:
            raise BatchNotFound.gone(batch, "its data")
        total += count
    if not selection and total:
        await session.retry(session.store.maintenance.sweep, batch, force=True)
    return total


async def stop(
    session: Session, batch: str, size: int, *, after: "asyncio.Task[Any] | None" = None
) -> None:
    """Cancel a batch for a caller that is being cancelled, and wait for its first `size` slots.

    `after` is a chunk that is still being written: the cancellation follows it. An error is logged.
    """
    try:
        loop = asyncio.get_running_loop()
        work = finish_surely(_cancel_after, session, batch, after)
        cancellation = session.spawn_uncancellable(loop, work)
        await finish_first(cancellation)
        await finish_first(session.spawn(_wait_ended(session, batch, size)))
    except BatchNotFound:
        pass  # nothing of it was written, or somebody has deleted it
    except NoWorkers:
        pass  # it is cancelled, and what a dead worker held ends with its lease
    except GatherqError as error:
        logger.warning("batch %s could not be cancelled: %s", batch, error)


async def redrive(
    session: Session,
    batch: str,
    ended: Mapping[int, str],
    error: str | None = None,
    by: str = "producer",
) -> int:
    """Run slots again that ended with these statuses; return how many go back into the queue.

    With `error`, only those of the error group whose signature begins so; raises ValueError where
    several do.
    """
    signature = ""
    if error is not None:
        signature, slots_of_it = await _group_of(session, batch, ended, error)
        ended = {slot: ended[slot] for slot in slots_of_it}
    if not await session.retry(session.store.maintenance.extend, batch):
        raise BatchNotFound.gone(batch, "its data")
    if error is not None and not ended:
        return 0
    total = 0
    for chunk in _chunks(sorted(ended), _REDRIVE_CHUNK):
        statuses = {slot: ended[slot] for slot in chunk}
        badly = await session.retry(session.store.redrive.ended_badly, batch, statuses, signature)
        request, chosen = secrets.token_hex(6), len(ended)
        put_back = session.store.redrive.put_back
        count = await session.retry(
            put_back, batch, not total, badly, request, by=by, chosen=chosen
        )
        if count is None:
            raise BatchNotFound.gone(batch, "its data")
        total += count
    return total


async def _group_of(
    session: Session, batch: str, ended: Mapping[int, str], error: str
) -> tuple[str, list[int]]:
    """Return the one signature that begins so, and the slots that have it."""
    found: dict[str, list[int]] = {}
    for chunk in _chunks(sorted(ended), _SIGNATURE_CHUNK):
        signatures = await session.retry(session.store.redrive.signatures, batch, chunk)
        for slot, signature in signatures.items():
            if signature.startswith(error):
                found.setdefault(signature, []).append(slot)
    if len(found) > 1:
        several = ", ".join(sorted(found)[:10])
        raise ValueError(
            f"{len(found)} error groups of batch {batch} begin with {error}: {several}; give "
            "more of the signature"
        )
    return next(iter(found.items()), (error, []))


async def keep(session: Session, batch: str, seconds: float, by: str) -> None:
    """Let a batch stay for another time; raises BatchNotFound and InvalidCall."""
    stay = check_keep(seconds)
    if not await session.retry(session.store.maintenance.extend, batch, stay, by):
        raise BatchNotFound.gone(batch, "its data")


async def delete(session: Session, batch: str, by: str = "producer") -> None:
    """Remove all data of a batch; raises BatchNotFound if there is none."""
    if not await session.retry(session.store.maintenance.size_of, batch):
        raise BatchNotFound.gone(batch, "its data")
    first = 0
    while True:
        first = await session.retry(session.store.maintenance.delete, batch, first, by)
        if not first:
            return


async def _cancel_after(session: Session, batch: str, after: "asyncio.Task[Any] | None") -> None:
    if after is not None and not after.done():
        await asyncio.wait([after])
    await cancel(session, batch, (), "producer")


async def _wait_ended(session: Session, batch: str, size: int) -> None:
    reader = BatchReader(Collector[Any](session, batch, size))
    async with aclosing(reader.slots()) as ended:
        async for _ in ended:
            pass


def _chunks(slots: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    """Cut slots into chunks; for no slots one that is empty, which stands for all."""
    for start in range(0, max(len(slots), 1), most):
        yield slots[start : start + most]
