"""Arguments that filters ask for, and no slot has."""

from collections.abc import Sequence

from gatherq.inspection.filters import Filter, read_slot_filters
from gatherq.inspection.inspector import Inspector


async def missing_arguments(inspector: Inspector, target: str, filters: Sequence[str]) -> str:
    """Say which arguments no slot has, for filters that nothing has met; empty if each is there.

    Reads slots until all are found: of a batch that lacks one, all.
    """
    missing = [each for each in read_slot_filters(filters) if each.path]
    if missing:
        async for slot in inspector.slots(target):
            missing = [each for each in missing if not each.has(slot)]
            if not missing:
                break
    return f" (no argument {_named(missing[0])})" if missing else ""


def _named(filter_: Filter) -> str:
    if filter_.path.partition(".")[0].isdigit():
        return f"{filter_.path}: keyword arguments are args.NAME"
    return f"`{filter_.path}`: positional arguments are args.0, args.1, ..."
