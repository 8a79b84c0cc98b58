"""When workers are looked for, and what becomes of what is found."""

import asyncio
import logging
from types import SimpleNamespace

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError

from gatherq.client.collection.janitor import WatchedBatch
from gatherq.client.collection.subscription import Subscription
from gatherq.client.collection.worker_check import LEAST_PAUSE, SILENCE, WorkerCheck, count_names
from gatherq.errors import NoWorkers
from gatherq.store.worker_presence import JobSample, Presence

NOBODY, COOK = Presence({}), Presence({"w": frozenset({"chop"})})


class World:
    """Batches, a store that answers as it is told, and a loop whose clock a test moves."""

    def __init__(self, monkeypatch):
        self.now, self.batches, self.failed = 100.0, {}, []
        self.presence, self.samples, self.looks, self.sampled = NOBODY, {}, [], []
        store = SimpleNamespace(keys=SimpleNamespace(queue="q"), presence=self)
        self._made = lambda policy: WorkerCheck(
            store, self.batches, self._fail, policy, "redis://x"
        )
        self.check = self._made("warn")
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "time", lambda: self.now)

    def policy(self, policy):
        self.check = self._made(policy)

    def wait_for(self, batch, size=2, names=("chop",)):
        self.batches[batch] = watched = WatchedBatch(self.now)
        watched.subscriptions = {Subscription(size, None, names)}
        return watched

    async def look(self, queue, told):
        self.looks.append((queue, dict(told)))
        if isinstance(self.presence, Exception):
            raise self.presence
        return self.presence

    async def sample(self, slots):
        self.sampled.append(dict(slots))
        return {batch: self.samples[batch] for batch in slots}

    def _fail(self, batch, error):
        self.failed.append((batch, error))
        del self.batches[batch]

    async def pass_time(self, seconds):
        """Let time pass; look whenever that is due. Return when those looks were."""
        end, looks = self.now + seconds, []
        while (due := self.check.due()) <= end:
            self.now = max(due, self.now)
            looks.append(round(self.now - end + seconds, 3))
            await self.check.look()
        self.now = end
        return looks


@pytest.fixture
async def world(monkeypatch):
    return World(monkeypatch)


@pytest.fixture(autouse=True)
def _all_levels(caplog):
    caplog.set_level(logging.DEBUG, "gatherq")


def said(caplog):
    return [(record.levelname, record.getMessage()) for record in caplog.records]


async def test_it_looks_after_a_silence_and_then_more_and_more_seldom(world):
    world.wait_for("b")
    assert await world.pass_time(100) == [SILENCE, 13, 43, 73]


async def test_nothing_is_asked_while_completions_come(world):
    watched = world.wait_for("b")
    for _ in range(50):
        assert await world.pass_time(SILENCE - 0.1) == []
        watched.note_news(world.now)
    assert world.looks == []


async def test_one_look_is_for_all_batches_and_two_looks_are_a_pause_apart(world):
    for n in range(10):
        world.wait_for(f"a{n}")
    await world.pass_time(0.2)
    world.wait_for("b")
    assert await world.pass_time(9) == [SILENCE - 0.2, SILENCE - 0.2 + LEAST_PAUSE]


async def test_with_the_policy_ignore_it_never_looks(world):
    world.policy("ignore")
    world.wait_for("b")
    assert await world.pass_time(1000) == []


async def test_nobody_is_said_once_and_so_is_that_somebody_came(world, caplog):
    world.wait_for("b")
    await world.pass_time(100)
    ((level, text),) = said(caplog)
    assert level == "WARNING"
    assert text.startswith("no worker is on queue 'q' of redis://x, so 2 jobs of batch b wait: ")
    world.presence = COOK
    await world.pass_time(100)
    assert said(caplog)[1:] == [("INFO", "a worker is on queue 'q' of redis://x now")]


async def test_what_comes_after_a_warning_has_it_look_at_once(world, caplog):
    watched = world.wait_for("b")
    await world.pass_time(SILENCE)
    world.presence = COOK
    world.now += 5
    watched.note_news(world.now)
    assert await world.pass_time(2) == [0]
    assert [level for level, _ in said(caplog)] == ["WARNING", "INFO"]


async def test_jobs_that_take_long_are_quiet(world, caplog):
    world.presence = COOK
    world.wait_for("b")
    await world.pass_time(100)
    assert said(caplog) == []


async def test_what_a_worker_has_told_is_handed_to_the_next_look(world):
    world.presence = COOK
    world.wait_for("b")
    await world.pass_time(20)
    assert world.looks == [("q", {}), ("q", COOK.workers)]


async def test_a_worker_that_is_replaced_is_waited_for(world, caplog):
    world.presence = COOK
    world.wait_for("b")
    await world.pass_time(12)
    world.presence = NOBODY
    assert await world.pass_time(1) == [1]
    assert said(caplog) == []
    assert await world.pass_time(SILENCE) == [SILENCE]
    assert [level for level, _ in said(caplog)] == ["WARNING"]


async def test_each_name_that_nobody_knows_is_said_once_and_so_is_its_end(world, caplog):
    world.presence = COOK
    world.wait_for("b", 3, ("chop", "chpo", "chpo"))
    await world.pass_time(50)
    ((_, text),) = said(caplog)
    assert "knows 'chpo' (did you mean 'chop'?), so 2 jobs of batch b wait; 1 worker runs" in text
    world.wait_for("c", 1, ("boil",))
    await world.pass_time(100)
    assert len(said(caplog)) == 2
    assert "knows 'boil', so 1 job of batch c waits; 1 worker runs: chop" in said(caplog)[1][1]
    for known in ("boil", "chpo"):
        world.presence = Presence({**world.presence.workers, known: frozenset({known})})
        await world.pass_time(100)
        text = f"a worker on queue 'q' of redis://x knows {known!r} now"
        assert said(caplog)[2:][-1] == ("INFO", text)
    assert len(said(caplog)) == 4


async def test_slots_that_have_ended_do_not_count(world, caplog):
    world.presence = COOK
    watched = world.wait_for("b", 3, ("chop", "chpo", "chpo"))
    watched.put_found([1, 2])
    await world.pass_time(50)
    watched.put_found([0])
    world.presence = NOBODY
    await world.pass_time(50)
    assert said(caplog) == []


async def test_what_waits_anew_is_told_anew(world, caplog):
    world.wait_for("b")
    await world.pass_time(SILENCE)
    world.batches.clear()
    world.check.begin()
    world.wait_for("c")
    await world.pass_time(SILENCE)
    assert [text.split(" wait")[0][-7:] for _, text in said(caplog)] == ["batch b", "batch c"]


async def test_with_the_policy_raise_each_batch_that_waits_in_vain_fails(world, caplog):
    world.policy("raise")
    world.presence = COOK
    world.wait_for("good")
    world.wait_for("bad", 2, ("chpo", "boil"))
    await world.pass_time(SILENCE)
    ((batch, error),) = world.failed
    assert batch == error.batch_id == "bad"
    assert isinstance(error, NoWorkers)
    assert (error.queue, error.names) == ("q", ("boil", "chpo"))
    world.presence = NOBODY
    await world.pass_time(50)
    assert [(batch, error.names) for batch, error in world.failed[1:]] == [("good", ("chop",))]
    assert said(caplog) == []


@pytest.mark.parametrize("what", ["ends", "is left"])
async def test_what_happens_while_redis_is_asked_counts(world, what):
    world.policy("raise")
    watched = world.wait_for("b")
    look = world.look

    async def meanwhile(*args):
        if what == "ends":
            watched.note_news(world.now)
        else:
            world.batches.clear()
        return await look(*args)

    world.look = meanwhile
    assert await world.pass_time(SILENCE) == [SILENCE]
    assert world.failed == []


async def test_of_a_batch_that_was_attached_a_few_names_are_read(world, caplog):
    world.presence = COOK
    world.samples["b"] = JobSample("q", ["chpo"] * 4)
    world.wait_for("b", 100, None)
    await world.pass_time(SILENCE)
    assert world.sampled == [{"b": [0, 1, 2, 3]}]
    assert "knows 'chpo' (did you mean 'chop'?), so jobs of batch b wait" in said(caplog)[0][1]


async def test_of_many_that_were_attached_some_are_asked_about(world):
    for n in range(100):
        world.samples[f"b{n}"] = JobSample("q", ["chop"])
        world.wait_for(f"b{n}", 1, None)
    await world.pass_time(SILENCE)
    assert len(world.sampled[0]) == 20


async def test_a_batch_of_another_queue_waits_for_the_workers_of_that_one(world, caplog):
    world.samples = {"b": JobSample("other", []), "c": JobSample(None, [])}
    world.wait_for("b", 1, None)
    await world.pass_time(SILENCE)
    world.batches.clear()
    world.wait_for("c", 1, None)
    await world.pass_time(SILENCE)
    assert [queue for queue, _ in world.looks[:1]] == ["other"]
    assert "no worker is on queue 'other'" in said(caplog)[0][1]
    assert "no worker is on queue 'q'" in said(caplog)[1][1]


async def test_what_may_not_be_read_is_said_once_and_an_outage_not_at_all(world, caplog):
    world.presence = RedisConnectionError("away")
    world.wait_for("b")
    await world.pass_time(SILENCE)
    world.presence = NoPermissionError("no")
    await world.pass_time(100)
    levels = [level for level, _ in said(caplog)]
    assert levels[:2] == ["DEBUG", "INFO"]
    assert set(levels[2:]) == {"DEBUG"}
    assert said(caplog)[1][1] == "cannot tell whether workers are there: no"


def test_one_name_stands_for_all_slots():
    assert count_names(["a"], [3, 4]) == {"a": 2}
    assert count_names(["a", "b", "b"], [0, 2]) == {"a": 1, "b": 1}
