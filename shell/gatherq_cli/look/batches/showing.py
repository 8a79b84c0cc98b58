"""What `gatherq show` shows: a batch, one slot, or a list of slots, by what is asked for."""

from collections.abc import Sequence

from gatherq.errors import InvalidSelector
from gatherq.inspection.inspector import Inspector
from gatherq.inspection.selector import Selector, read_selector
from gatherq_cli.common.options import Server
from gatherq_cli.look.slot_table import print_slots
from gatherq_cli.output.output import Output

from .batch_view import show_batch
from .slot_view import show_slot


async def show_target(server: Server, output: Output, target: str, filters: Sequence[str]) -> None:
    """Print what is meant."""
    async with server.inspector() as inspector:
        selector = _selector(target)
        several = selector and selector.slots and not selector.slots.single
        if filters or several:
            await print_slots(inspector, output, target, filters)
        elif selector and not selector.slots:
            await _show_whole(inspector, output, target)
        else:
            await _show_one(inspector, output, target)


def _selector(target: str) -> Selector | None:
    try:
        return read_selector(target)
    except InvalidSelector:  # the id of a plain arq job may be any text
        return None


async def _show_whole(inspector: Inspector, output: Output, target: str) -> None:
    batch = await inspector.batch(target)
    if batch.arq:
        await _show_one(inspector, output, batch.id)
    else:
        await show_batch(inspector, output, batch)


async def _show_one(inspector: Inspector, output: Output, target: str) -> None:
    async for slot in inspector.slots(target):
        await show_slot(inspector, output, slot)
