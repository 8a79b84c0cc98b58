"""Whatever producers and workers do, and in whatever order: Redis has what a model has.

Runs print how many steps they took. `GATHERQ_SEED` begins with that seed.
"""

import asyncio

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis.asyncio import Redis

from tests.seeds import EXAMPLES, SEED

from .model_checks import check, drain
from .model_world import WORKERS, ModelWorld

#: Steps of one example.
STEPS = 50

#: What is drawn together, not to keep the others from being drawn.
BESIDE = ["mend", "mend", "give_up", "give_up", "delete_rest", "delete_rest", "later", "later"]
BESIDE += ["go_on", "go_on", "submit_another", "forget_scripts", "flush"]

many, any_ = st.sampled_from([1, 2, 5, 100]), st.integers(0, 999)
workers, flag = st.integers(0, len(WORKERS) - 1), st.booleans()
statuses = st.sampled_from(["succeeded", "succeeded", "failed", "timed_out"])
late = st.sampled_from(["record", "record", "renew", "renew", "charged", "given back"])
#: Mostly small ones; some that are admitted little by little, and some that are deleted in chunks.
sizes = st.sampled_from([1, 2, 3, 5, 8, 8, 150, 230, 270])

has_batches = precondition(lambda machine: machine.world.batches)
has_claims = precondition(lambda machine: machine.world.held)
has_past = precondition(lambda machine: machine.world.past)


class Machine(RuleBasedStateMachine):
    """Each rule is one step of producers and workers; after each, all is compared."""

    url = ""
    steps = 0

    def __init__(self):
        super().__init__()
        self.is_sound, self.runner = False, asyncio.Runner()
        self.redis = Redis.from_url(self.url)
        self.world = ModelWorld(self.redis)
        self.runner.run(self.redis.flushdb())

    def do(self, work):
        type(self).steps += 1
        self.is_sound = False
        self.runner.run(self._done(work))
        self.is_sound = True

    async def _done(self, work):
        async with asyncio.timeout(60):
            await work
            await check(self.world)

    @initialize()
    def begin(self):
        work = self.world.submit("b0", 5, 0, named=True, tolerate=None, most=None, calls=9)
        self.do(work)

    @rule(
        name=st.sampled_from([f"b{n}" for n in range(5)]),
        size=sizes,
        queue=st.sampled_from([0, 0, 1]),
        named=flag,
        tolerate=st.sampled_from([None, None, 0, 1]),
        most=st.sampled_from([None, None, 1, 3]),
        calls=st.sampled_from([9, 9, 1, 2]),
    )
    def submit(self, name, size, queue, named, tolerate, most, calls):
        terms = {"named": named, "tolerate": tolerate, "most": most}
        self.do(self.world.submit(name, size, queue, **terms, calls=calls))

    @has_batches
    @rule(n=any_, calls=st.sampled_from([9, 1, 2]), twice=flag)
    def submit_again(self, n, calls, twice):
        if known := self.world.one(n):
            self.do(self.world.write(known, calls, twice))

    @has_batches
    @rule(worker=workers, n=many, contact=st.sampled_from([True, True, False]))
    def claim(self, worker, n, contact):
        self.do(self.world.claim(worker, n, contact))

    @has_batches
    @rule(worker=workers, n=many)
    def lose_claim(self, worker, n):
        self.do(self.world.lose_claim(worker, n))

    @has_claims
    @rule(worker=workers)
    def renew(self, worker):
        self.do(self.world.renew(worker))

    @has_claims
    @rule(worker=workers, first=any_, n=many, status=statuses, twice=flag)
    def record(self, worker, first, n, status, twice):
        self.do(self.world.record(worker, first, n, status, twice))

    @has_claims
    @rule(
        worker=workers,
        first=any_,
        n=many,
        charge=flag,
        delay=st.sampled_from([0.0, 0.0, 50.0]),
        twice=flag,
    )
    def release(self, worker, first, n, charge, delay, twice):
        self.do(self.world.release(worker, first, n, charge, delay, twice))

    @has_batches
    @rule(n=any_, slots=st.lists(any_, max_size=4), twice=flag)
    def cancel(self, n, slots, twice):
        self.do(self.world.cancel(n, slots, twice))

    @has_batches
    @rule(n=any_, contact=flag, twice=flag)
    def sweep(self, n, contact, twice):
        self.do(self.world.sweep(n, contact, twice))

    @has_batches
    @rule(n=any_, twice=flag)
    def redrive(self, n, twice):
        self.do(self.world.redrive(n, twice))

    @has_batches
    @rule(n=any_, twice=flag, part=flag)
    def delete(self, n, twice, part):
        self.do(self.world.delete(n, twice, part))

    @has_claims
    @rule(worker=workers, first=any_, n=many)
    def die(self, worker, first, n):
        self.do(self.world.die(worker, first, n))

    @has_past
    @rule(worker=workers, how=late, status=statuses)
    def come_late(self, worker, how, status):
        self.do(self.world.come_late(worker, how, status))

    @has_batches
    @rule(worker=workers, status=statuses)
    def work(self, worker, status):
        self.do(self.world.work(worker, status))

    @has_batches
    @rule(worker=workers, how=late, n=any_)
    def outlive(self, worker, how, n):
        self.do(self.world.outlive(worker, how, n))

    @has_batches
    @rule(kind=st.sampled_from(BESIDE), n=any_, twice=flag)
    def beside(self, kind, n, twice):
        """Do what changes little, or seldom happens."""
        self.do(getattr(self.world, kind)(n, twice))

    def teardown(self):
        try:
            if self.is_sound:
                self.runner.run(drain(self.world))
        finally:
            self.runner.run(self.redis.aclose())
            self.runner.close()


def test_redis_has_what_the_model_has(server_url, capsys):
    class Here(Machine):
        url = server_url.replace("/0", "/7")

    limits = settings(
        max_examples=max(EXAMPLES // 40, 30),
        stateful_step_count=STEPS,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(SEED)(Here), settings=limits)
    finally:
        with capsys.disabled():
            print(f" {Here.steps} steps of the model, seed {SEED}")
