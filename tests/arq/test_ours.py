"""Where this worker goes beyond arq's, or differs from it on purpose."""

import asyncio
import statistics
import subprocess
import sys
import time
from datetime import datetime, timedelta

import pytest
from arq.cron import cron
from arq.worker import JobExecutionFailed, func
from redis import Redis

from gatherq import Producer, call, current_job, job
from gatherq import cron as cron_of_ours
from gatherq.contract.validation import MAX_JOB
from gatherq.errors import GatherqError
from gatherq_worker import create_worker, crontab
from gatherq_worker.arq.settings import find_settings

from ..conftest import until
from .functions import Slow, Unpicklable, add, fail, give, nested, sleep, slow_to_write, tries


@pytest.fixture
def kind():
    return "gatherq"


@pytest.fixture
async def going(make):
    """Run workers until the test ends."""
    runs = []

    def going(*args, **options):
        worker = make(*args, burst=False, **options)
        runs.append(asyncio.create_task(worker.main()))
        return worker

    yield going
    for run in runs:
        run.cancel()
    await asyncio.wait(runs)


async def test_a_worker_that_accepts_pickle_says_so_before_the_first(redis, make, caplog):
    said = "this worker accepts pickled jobs: whoever can write to this Redis can run any code"
    await make([add]).main()
    assert caplog.text.count(said) == 1
    for n in range(3):
        await redis.enqueue_job("add", n)
    await make([add]).main()
    assert caplog.text.count(said) == 2


async def test_a_worker_with_a_deserializer_of_its_own_does_not_speak_of_pickle(make, caplog):
    from gatherq.contract import records

    await make([add], job_deserializer=records.job_deserializer).main()
    await make([add], job_serializer=str.encode, job_deserializer=eval).main()
    assert "accepts pickled jobs" not in caplog.text


async def test_a_worker_that_reads_json_says_what_to_set(redis, json_redis, make, caplog):
    from gatherq.contract import records

    options = {
        "job_serializer": records.job_serializer,
        "job_deserializer": records.job_deserializer,
    }
    job = await redis.enqueue_job("add", Unpicklable)
    worker = make([add], **options)
    await worker.main()
    assert worker.jobs_failed == 1
    record = records.job_deserializer(await redis.get(f"arq:result:{job.job_id}"))
    assert "--arq-pickle" in str(record["r"])
    assert "job_serializer=gatherq.wire.job_serializer" in caplog.text


@pytest.mark.parametrize("fails", [False, True], ids=["value", "error"])
async def test_a_pickle_that_is_slow_to_write_times_out(redis, make, fails):
    slow = await redis.enqueue_job("slow_to_write", 30, fails)
    quick = await redis.enqueue_job("slow_to_write", 0, fails)
    other = await redis.enqueue_job("add", 1)
    worker = make([func(slow_to_write, timeout=0.5), add])
    async with until(20):
        await worker.main()
        with pytest.raises(TimeoutError, match="execution limit of 0.5 s"):
            await slow.result(poll_delay=0)
        assert await other.result(poll_delay=0) == 1
        found = (await quick.result_info()).result
    assert isinstance(found, Slow)
    assert worker.jobs_failed == 1 + fails


async def test_arguments_with_code_of_their_own_are_not_written_after_the_time(redis, make):
    job = await redis.enqueue_job("sleep", 30, note=Evil())
    plain = await redis.enqueue_job("sleep", 30)
    async with until(20):
        await make([func(sleep_beside, name="sleep", timeout=0.2)]).main()
        for queued, arguments in ((job, ((), {})), (plain, ((30,), {}))):
            info = await queued.result_info()
            assert isinstance(info.result, TimeoutError)
            assert (info.args, info.kwargs) == arguments


async def test_an_error_in_arqs_log_has_a_budget(redis, make, caplog):
    await redis.enqueue_job("fail", Branches)
    async with until(20):
        await make([fail]).main()
    assert "failed, ExceptionGroup: branches" in caplog.text
    assert "more are left out" in caplog.text
    assert len(caplog.text) < 200_000


class Evil:
    """Is pickled once, by its producer; then it takes its time."""

    def __init__(self):
        self.seconds = 0

    def __setstate__(self, state):
        self.seconds = 30

    def __getstate__(self):
        time.sleep(self.seconds)
        return {"seconds": self.seconds}


class Branches:
    """Makes an error with very many paths."""

    def __new__(cls):
        error = ValueError("leaf")
        for _ in range(30):
            error = ExceptionGroup("branches", [error, error])
        return error


async def sleep_beside(ctx, seconds, note=None):
    await asyncio.sleep(seconds)


async def test_producers_move_to_json_one_by_one(redis, json_redis, make):
    old, new = await redis.enqueue_job("add", 1), await json_redis.enqueue_job("add", 2)
    await make([add]).main()
    assert await old.result(poll_delay=0) == 1
    assert await new.result(poll_delay=0) == 2
    assert (await redis.get(f"arq:result:{new.job_id}")).startswith(b'{"worker":')


async def test_batches_and_arqs_jobs_through_one_worker(redis, settings, queue, going):
    url = f"redis://{settings.host}:{settings.port}/{settings.database}"
    going([add, give])
    async with Producer(url, queue=queue) as producer, until(30):
        job = await redis.enqueue_job("add", 1)
        values = await producer.gather(*(call("add", n, 1) for n in range(20)))
        assert values == list(range(1, 21))
        assert await job.result(poll_delay=0.01) == 1


async def test_plain_jobs_start_soon_and_deferred_ones_on_time(redis, going):
    """Nobody announces what a plain arq producer enqueues."""
    going([give])
    plain, deferred = [], []
    async with until(60):
        for n in range(12):
            job = await redis.enqueue_job("give", n)
            assert await job.result(poll_delay=0.005) == n
            info = await job.result_info()
            plain.append((info.start_time - info.enqueue_time).total_seconds())
        jobs = [await redis.enqueue_job("give", n, _defer_by=0.3 + n / 19) for n in range(15)]
        for n, job in enumerate(jobs):
            await job.result(poll_delay=0.05)
            info = await job.result_info()
            due = info.enqueue_time + timedelta(seconds=0.3 + n / 19)
            deferred.append((info.start_time - due).total_seconds())
    assert statistics.median(plain[1:]) < 0.1
    assert min(deferred) >= -0.002
    assert statistics.median(deferred) < 0.05


async def test_a_retry_does_not_wait_for_a_lease(redis, make):
    """A fresh worker may not take expired leases yet, but a released job is no such thing."""
    job = await redis.enqueue_job("tries", 3)
    async with until(20):
        await make([tries], lease=60).main()
    assert await job.result(poll_delay=0) == 3


async def test_a_long_retry_is_not_renewed_away(redis, going):
    """A job that waits for its next try belongs to nobody."""
    job = await redis.enqueue_job("tries", 2, 2.0)
    async with until(30):
        going([tries], lease=1.0)
        while not await redis.exists(f"arq:retry:{job.job_id}"):
            await asyncio.sleep(0.01)
        await job.result(poll_delay=0.02)
    info = await job.result_info()
    waited = (info.finish_time - info.enqueue_time).total_seconds()
    assert 2.0 <= waited < 3.5


async def test_an_abort_is_prompt(redis, going):
    going([sleep], allow_abort_jobs=True)
    async with until(30):
        job = await redis.enqueue_job("sleep", 60)
        while (await job.status()).value != "in_progress":
            await asyncio.sleep(0.005)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        assert await job.abort(poll_delay=0.01)
        assert loop.time() - begun < 1.0


async def test_a_plain_arq_worker_beside_ours_is_noticed(redis, make, going, caplog):
    gate = asyncio.Event()

    async def held(ctx):
        await gate.wait()
        return "plain"

    async with until(30):
        job = await redis.enqueue_job("held")
        stock = make([func(held, name="held")], kind="arq", max_jobs=1)
        plain = asyncio.create_task(stock.main())
        while (await job.status()).value != "in_progress":
            await asyncio.sleep(0.005)
        going([give])
        jobs = [await redis.enqueue_job("give", n) for n in range(5)]
        assert [await other.result(poll_delay=0.01) for other in jobs] == list(range(5))
        gate.set()
        assert await job.result(poll_delay=0.01) == "plain"
        await plain
    assert caplog.text.count("a plain arq worker takes jobs from this queue") == 1


async def test_both_workers_on_one_queue_run_each_job_once(redis, make, going):
    seen = []

    async def note(ctx, n):
        seen.append(n)
        await asyncio.sleep(0.01)

    async with until(60):
        jobs = [await redis.enqueue_job("note", n) for n in range(100)]
        going([func(note, name="note")], max_jobs=3)
        plain = make([func(note, name="note")], kind="arq", max_jobs=3)
        await plain.main()
        for job in jobs:
            await job.result(poll_delay=0.01)
    assert sorted(seen) == list(range(100))


async def test_a_raising_hook_harms_nobody(redis, make):
    async def broken(ctx):
        raise RuntimeError("hook")

    job = await redis.enqueue_job("add", 1)
    other = await redis.enqueue_job("add", 2)
    await make([add], on_job_end=broken, after_job_end=broken).main()
    assert [await j.result(poll_delay=0) for j in (job, other)] == [1, 2]


async def test_a_queue_member_that_is_no_text_harms_nobody(redis, make, queue):
    await redis.zadd(queue, {b"\xff\xfe": 1})
    job = await redis.enqueue_job("add", 1)
    async with until(20):
        await make([add]).main()
    assert await job.result(poll_delay=0) == 1


async def test_many_busy_jobs_hide_no_others(redis, make, going):
    """arq looks at the first max(5 * max_jobs, 100) of the queue only, busy ones included."""
    for n in range(120):
        await redis.zadd(redis.default_queue_name, {f"busy{n}": 1})
        await redis.set(f"arq:in-progress:busy{n}", b"1", px=60_000)
    job = await redis.enqueue_job("add", 1)
    going([add], max_jobs=1)
    async with until(20):
        assert await job.result(poll_delay=0.02) == 1


async def test_an_argument_that_cannot_be_shown_is_no_failure(redis, make):
    job = await redis.enqueue_job("add", Grumpy(1), 2)
    await make([add]).main()
    assert await job.result(poll_delay=0) == 3


class Grumpy(int):
    def __repr__(self):
        raise RuntimeError("no")

    def __add__(self, other):
        return int(self) + other


async def test_what_a_settings_class_inherits_counts(settings, queue):
    class Base:
        redis_settings = settings
        queue_name = queue

    class WorkerSettings(Base):
        functions = (add,)
        handle_signals = False

    worker = create_worker(WorkerSettings)
    assert (worker.queue_name, worker.redis_settings) == (queue, settings)


def test_settings_are_told_from_modules():
    assert find_settings("tests.arq.functions") is None
    assert find_settings("tests.arq.nothing_here") is None
    assert find_settings("tests.arq.test_ours.Sample") is Sample
    assert find_settings("tests.arq.test_ours:SAMPLE") is SAMPLE


class Sample:
    functions = (add,)


SAMPLE = {"functions": [nested]}


def test_check_on_the_command_line(server_url):
    command = [sys.executable, "-m", "gatherq_worker", "worker", "--check"]
    environment = {"GATHERQ_REDIS_URL": server_url, "APP_REDIS_URL": server_url}
    said = subprocess.run(
        [*command, "app.WorkerSettings"],
        cwd="examples/from_arq",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 1
    assert "no health check sentinel value found" in said.stderr


@pytest.mark.parametrize("what", ["app.WorkerSettings", "app"])
def test_check_asks_the_server_and_queue_that_are_named(server_url, queue, what, tmp_path):
    (tmp_path / "app.py").write_text(CHECKED.format(server_url))
    command = [sys.executable, "-m", "gatherq_worker", "worker", "--check", what]

    def check(*words):
        run = subprocess.run(
            [*command, *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in run.stderr
        return run.returncode, run.stderr.splitlines()[-1:]

    with Redis.from_url(server_url) as redis:
        redis.set(f"{queue}:health-check", "alive", ex=60)
        assert check("--redis", server_url, "--queue", queue)[0] == 0
        assert check("--redis", server_url, "--queue", f"{queue}:other")[0] == 1
    code, (line,) = check("--redis", "redis://:secret@127.0.0.1:1/0", "--queue", queue)
    assert (code, "cannot use Redis at redis://:***@127.0.0.1:1/0" in line) == (1, True)


CHECKED = """
from arq.connections import RedisSettings
from gatherq import job


@job()
async def f() -> None: ...


async def g(ctx) -> None: ...


class WorkerSettings:
    functions = [g]
    redis_settings = RedisSettings.from_dsn("{}")
"""


async def nothing(ctx):
    return 0


def test_a_cron_string():
    job = crontab("*/5 * * * *", nothing, run_at_startup=True)
    job.calculate_next(datetime(2026, 1, 1, 12, 3))
    assert job.next_run == datetime(2026, 1, 1, 12, 5)
    assert (job.name, job.run_at_startup) == ("cron:nothing", True)


@pytest.mark.parametrize("wrong", ["", "* * *", "61 * * * *", "0 0 30 2 *"])
def test_what_is_no_cron_string_is_refused(wrong):
    with pytest.raises(GatherqError, match="is no cron string"):
        crontab(wrong, nothing)


async def test_a_cron_string_runs(redis, going):
    done = asyncio.Event()

    async def tick(ctx):
        done.set()

    going(cron_jobs=[crontab("* * * * * *", tick, name="tick")])
    async with until(30):
        await done.wait()


async def test_a_job_on_a_schedule_among_arqs_functions_runs(redis, going):
    ran = asyncio.Queue()

    @cron_of_ours("* * * * * *")
    @job(name="tick")
    async def tick() -> None:
        ran.put_nowait(current_job().job_id)

    going([tick])
    async with until(30):
        assert (await ran.get()).startswith("cron:tick@")


async def test_a_cron_job_of_a_restarted_worker_is_not_queued_again(redis, make):
    """The mark of a tick outlives the worker, the job and its result."""
    when = datetime.now().astimezone() + timedelta(milliseconds=100)
    ran = []
    for _ in range(2):
        job = cron(nothing, name="tick", hour=1)
        job.next_run = when
        worker = make(cron_jobs=[job])
        await worker.main()
        ran.append(worker.jobs_complete)
    assert ran == [1, 0]


async def long_error(ctx):
    raise ValueError("x" * (MAX_JOB + 1))


async def test_an_error_that_is_too_long_is_cut_and_named(redis, make):
    job = await redis.enqueue_job("long_error")
    worker = make([long_error], kind="gatherq", job_serializer=None, job_deserializer=None)
    await worker.main()
    found = (await job.result_info()).result
    assert isinstance(found, JobExecutionFailed)
    assert str(found).startswith("ValueError: xxx")
    assert f"({MAX_JOB + 1:,} characters)" in str(found)
