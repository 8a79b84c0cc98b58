"""A module that no worker was told of: whoever imports it is caught."""

from notes import note

note("imported", "tempting", 0)


async def run() -> None:
    """Do nothing."""
