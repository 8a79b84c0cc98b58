"""A short slice of the random mix; `make chaos MINUTES=10` is a long one."""

from tests.seeds import SEED

from .harness.rows import row
from .mix import Mix


@row("26", "all of it at random", arq="one restart of Redis ends its workers", quick=True)
async def test_a_mix_of_faults(pool):
    """Four workers, two of them behind a proxy; 12 s of random faults in random jobs.
    `make chaos MINUTES=10 SEED=7` is a longer one."""
    print(f"GATHERQ_SEED={SEED}")  # where it fails, the same faults come again by this
    await Mix(pool, SEED, await pool.proxy()).run(12)
