"""A scenario is written once, and run in both worlds."""

import asyncio

import pytest

from .worlds import world

#: Seconds for one scenario: it hangs if it takes longer.
LIMIT = 40


def scenario(function):
    """Make a test of each world: `async def test_...(w)`."""

    @pytest.mark.parametrize("where", ["local", "pool"])
    async def run(where, pool):
        async with asyncio.timeout(LIMIT), world(where) as w:
            await function(w)

    run.__name__, run.__doc__ = function.__name__, function.__doc__
    run.__module__ = function.__module__
    return run
