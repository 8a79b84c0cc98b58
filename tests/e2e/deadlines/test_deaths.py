"""A death is counted against what can have caused it, and is followed by a start."""

import asyncio
import os
import signal
import sys

import pytest

from gatherq import Producer, Succeeded
from gatherq.testing.server import embedded_server, free_port
from tests.conftest import until

from . import hostile
from .test_stopping import tree
from .test_supervisor import started
from .test_timeouts import ledger  # noqa: F401


async def child_of(supervisor, other_than=()):
    """Wait for a worker process of a supervisor."""
    while True:
        for pid in tree(supervisor.pid)[1:]:
            if pid not in other_than:
                return pid
        await asyncio.sleep(0.02)


def deaths(outcomes):
    return [[entry.status for entry in outcome.history] for outcome in outcomes]


async def test_what_waits_for_its_turn_is_not_charged_however_often_its_worker_dies(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    supervisor = start_worker(module="deadlines.hostile")
    async with until(60):
        calls = [hostile.narrow.call(ledger.path, 0.5) for _ in range(5)]
        batch = await producer.submit(calls, timeout=50)
        killed: list[int] = []
        for runs in (1, 2):
            await started(ledger, runs)
            killed.append(await child_of(supervisor, killed))
            os.kill(killed[-1], signal.SIGKILL)
        outcomes = await batch.outcomes()
    assert all(isinstance(outcome, Succeeded) for outcome in outcomes), outcomes
    # Each death found one that had begun, if it was not in a process of its own by then.
    assert sorted(deaths(outcomes))[:3] == [[], [], []]
    assert 1 <= sum(len(history) for history in deaths(outcomes)) <= 2


@pytest.mark.long
async def test_more_jobs_than_threads_those_that_wait_are_not_charged(
    producer,
    start_worker,
    ledger,  # noqa: F811
):
    start_worker("--concurrency", "200", module="deadlines.hostile")
    async with until(60):
        calls = [hostile.threaded.call(ledger.path, 0.5) for _ in range(60)]
        batch = await producer.submit(calls, timeout=50)
        pids = await started(ledger, 32)
        os.kill(pids[-1], signal.SIGKILL)
        outcomes = await batch.outcomes()
    assert all(isinstance(outcome, Succeeded) for outcome in outcomes), outcomes
    assert sorted(deaths(outcomes)) == [[]] * 28 + [["died"]] * 32


@pytest.mark.parametrize("times", [1, 3])
async def test_one_killed_while_it_waits_for_its_server_is_started_again(
    start_worker,
    queue,
    ledger,  # noqa: F811
    times,
):
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    supervisor = start_worker("--redis", url, module="deadlines.hostile")
    async with until(60):
        seen = []
        for _ in range(times):
            seen.append(await child_of(supervisor, seen))
            os.kill(seen[-1], signal.SIGKILL)
        await child_of(supervisor, seen)
        with embedded_server(port):
            async with Producer(url, queue=queue) as producer:
                batch = await producer.submit([hostile.works.call(ledger.path, 0)])
                (outcome,) = await batch.outcomes()
            assert isinstance(outcome, Succeeded)
            assert supervisor.poll() is None
            supervisor.terminate()
            await asyncio.to_thread(supervisor.wait)


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process")
async def test_a_supervisor_without_descriptors_tries_on(
    producer,
    start_worker,
    ledger,  # noqa: F811
    capfd,
):
    import resource

    supervisor = start_worker(module="deadlines.hostile")
    async with until(60):
        call = hostile.works.call(ledger.path, 0.3)
        (first,) = await (await producer.submit([call])).outcomes()
        _, most = resource.prlimit(supervisor.pid, resource.RLIMIT_NOFILE)
        used = len(os.listdir(f"/proc/{supervisor.pid}/fd"))
        resource.prlimit(supervisor.pid, resource.RLIMIT_NOFILE, (used - 2, most))
        os.kill(first.value, signal.SIGKILL)
        log = ""
        while "cannot start a worker process" not in log:
            await asyncio.sleep(0.02)
            log += capfd.readouterr().err
        resource.prlimit(supervisor.pid, resource.RLIMIT_NOFILE, (most, most))
        (again,) = await (await producer.submit([call])).outcomes()
    assert again.value != first.value
    assert supervisor.poll() is None
    log += capfd.readouterr().err
    assert log.count("cannot start a worker process") == 1
    assert "worker processes can be started again" in log


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("no_such_module", "no_such_module"),
        ("import_fails", "not today"),
        ("exits_early", ""),
    ],
)
async def test_what_can_never_start_ends_the_supervisor(
    start_worker, tmp_path, monkeypatch, module, said, capfd
):
    (tmp_path / "import_fails.py").write_text("raise ValueError('not today')\n")
    (tmp_path / "exits_early.py").write_text("import sys\nsys.exit(3)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    supervisor = start_worker(module=module)
    async with until(30):
        assert await asyncio.to_thread(supervisor.wait) != 0
    assert said in capfd.readouterr().err
