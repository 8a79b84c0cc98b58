"""A scenario is written once, and run in both worlds."""

import asyncio
import inspect

import pytest

from ..eager import eager_task_factory
from .worlds import world

#: Seconds for one scenario: it hangs if it takes longer.
LIMIT = 40


def scenario(function):
    """Make a test of each world: `async def test_...(w)`."""

    @pytest.mark.parametrize("where", ["local", "pool", "eager"])
    async def run(where, pool, **given):
        if where == "eager":  # the pool, in a loop whose tasks begin at once
            asyncio.get_running_loop().set_task_factory(eager_task_factory)
            where = "pool"
        async with asyncio.timeout(LIMIT), world(where) as w:
            await function(w, **given)

    # What `pytest.mark.parametrize` above gives is handed on.
    own = list(inspect.signature(function).parameters.values())[1:]
    fixtures = list(inspect.signature(run).parameters.values())[:2]
    run.__signature__ = inspect.Signature(fixtures + own)

    run.__name__, run.__doc__ = function.__name__, function.__doc__
    run.__module__ = function.__module__
    return run
