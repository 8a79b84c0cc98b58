"""Whatever workers and producers do, and Redis loses: limits hold, and no slot is forgotten.

A failure prints its seed and the shortest run that was found; `GATHERQ_SEED` begins with that seed.
"""

import pytest
from redis.asyncio import Redis

from tests.seeds import EXAMPLES, SEED

from . import limits_runs


@pytest.fixture
async def redis(server_url):
    async with Redis.from_url(server_url.replace("/0", "/8")) as client:
        yield client


async def hold(redis, runs, *, rates):
    """Run so many lists of operations, the first of `SEED`."""
    for seed in range(SEED, SEED + runs):
        operations = limits_runs.operations(seed, rates)
        if error := await limits_runs.error_of(redis, operations):
            shorter, again = await limits_runs.shortened(redis, operations)
            error = again or error  # else it fails by chance
            said = "\n".join(map(repr, shorter))
            raise AssertionError(f"seed {seed} fails with:\n{said}\n{error!r}") from error


async def test_limits_hold_and_no_slot_is_forgotten(redis):
    await hold(redis, max(EXAMPLES // 4, 100), rates=False)


async def test_rates_hold_and_no_slot_is_forgotten(redis):
    """With rates, which take their time."""
    await hold(redis, max(EXAMPLES // 50, 8), rates=True)
