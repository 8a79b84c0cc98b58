"""Redis's time, by which ages are told."""

from datetime import UTC, datetime

from gatherq.inspection.inspector import Inspector


async def time_there(inspector: Inspector) -> datetime:
    """Return the time of the server."""
    return datetime.fromtimestamp(await inspector.now() / 1000, UTC)
