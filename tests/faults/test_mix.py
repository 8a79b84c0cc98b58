"""A short slice of the random mix; `make chaos MINUTES=10` is a long one."""

import os
from random import randrange

from .mix import mix


async def test_a_mix_of_faults():
    """Printed where it fails: the seed with which the same faults come again."""
    seed = int(os.environ.get("GATHERQ_SEED") or randrange(10_000))
    print(f"SEED={seed}")
    await mix(seed, 12)
