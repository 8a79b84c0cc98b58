"""A short slice of the random mix; `make chaos MINUTES=10` is a long one."""

import os
from random import randrange

from .mix import mix

SEED = int(os.environ.get("GATHERQ_SEED") or randrange(10_000))


async def test_a_mix_of_faults():
    """What it prints where it fails is the seed with which the same faults come again."""
    print(f"GATHERQ_SEED={SEED}")
    await mix(SEED, 12)
