"""What is handed to the recorder after an execution, in place of one, and by the watchdog."""

import asyncio
import json

import pytest

from gatherq.contract import records
from gatherq.contract.job_definition import JobDefinition, RetryRules
from gatherq_worker.attempt import Attempt, State
from gatherq_worker.engine.observers import Observer
from gatherq_worker.engine.options import EngineOptions
from gatherq_worker.execution.guarded_task import guarded
from gatherq_worker.execution.result import ExecutionResult, ProcessDied
from gatherq_worker.registry import Handler, UnknownJob

from .parts import Parts

RULES = RetryRules(3, (ValueError,), backoff=8.0, jitter=0.0)
PLAIN = Handler(JobDefinition("f"), print)
RETRIED = Handler(JobDefinition("f", rules=RULES), print)


class Told(Observer):
    def __init__(self):
        self.told = []

    def job_ended(self, event):
        self.told.append(event.verdict.status)
        raise RuntimeError("a fault of ours")

    def job_retried(self, event):
        self.told.append(("retry", event.delay))

    def job_refused(self, event):
        self.told.append(("refused", str(event.error)))

    def job_released(self, event):
        self.told.append("released")


class World(Parts):
    def __init__(self, **options):
        self.observer = Told()
        super().__init__(options=EngineOptions(observers=[self.observer], **options))

    def running(self, **fields):
        job = records.decode_job(b'{"f":"f","a":[1],"k":{},"et":5}')
        attempt = Attempt("b:3", 1, job, slot=3, batch="b")
        for name, value in fields.items():
            setattr(attempt, name, value)
        self.attempts.claim(attempt)
        return attempt

    @property
    def told(self):
        return self.observer.told

    @property
    def handed_over(self):
        return self.recorder.waiting()


async def test_a_value_becomes_a_record_and_nothing_else():
    world = World()
    running = world.running(started=7)
    world.finalizer.conclude(ExecutionResult(value=1, written=b"1"), running, PLAIN, 2)
    (record,), releases = world.handed_over
    result = json.loads(record.payload)
    assert (record.status, result["r"], result["st"], releases) == ("succeeded", 1, 7, [])
    assert (running.state, world.told) == (State.RECORDING, ["succeeded"])


async def test_a_failure_that_the_rules_retry_becomes_a_charged_release_with_an_entry():
    world = World()
    running = world.running(started=7)
    world.finalizer.conclude(ExecutionResult(error=ValueError("no")), running, RETRIED, 4)
    attempts, (release,) = world.handed_over
    assert (attempts, release.delay, release.charge) == ([], 8.0, True)
    entry = json.loads(release.entry)
    assert (entry["attempt"], entry["worker"], entry["status"]) == (1, "w", "failed")
    assert (entry["error"]["type"], entry["st"]) == ("ValueError", 7)
    assert (running.state, world.told) == (State.RELEASING, [("retry", 8.0)])


async def test_the_last_death_of_its_process_stands_in_the_history_of_a_lost_job():
    world = World()
    running = world.running(number=2)
    died = ExecutionResult(error=ProcessDied("exit code 3"))
    world.finalizer.conclude(died, running, PLAIN, 2)
    (record,), _ = world.handed_over
    result = json.loads(record.payload)
    assert (record.status, result["attempts"]) == ("lost", 2)
    assert [(e["status"], e["error"]["message"]) for e in result["history"]] == [
        ("died", "exit code 3")
    ]
    assert world.told == ["lost"]


async def test_a_retry_that_is_asked_for_too_often_is_told_and_then_fails():
    world = World(retry_delay=lambda error: 3.0)
    running = world.running(number=2)
    world.finalizer.conclude(ExecutionResult(error=KeyError()), running, PLAIN, 2)
    (record,), _ = world.handed_over
    assert json.loads(record.payload)["error"]["type"] == "RetriesExceeded"
    assert world.told == [("retry", 3.0), "failed"]


@pytest.mark.parametrize(
    ("error", "kind"), [(UnknownJob("no f"), "UnknownJob"), (TypeError("no f"), "TypeError")]
)
async def test_what_cannot_be_run_fails_without_a_start(error, kind):
    world = World()
    world.finalizer.refuse(world.running(started=7), error)
    (record,), _ = world.handed_over
    result = json.loads(record.payload)
    assert (result["error"]["type"], result["st"]) == (kind, None)
    assert world.told == [("refused", "no f"), "failed"]


@pytest.mark.parametrize(
    ("by", "error", "status"),
    [("me", None, "cancelled"), (None, None, "cancelled"), (None, KeyError("ours"), "failed")],
)
async def test_what_was_cut_short_has_an_outcome_all_the_same(by, error, status):
    world = World()
    running = world.running(cancelled_by=by)
    world.finalizer.cut_short(running, error)
    world.finalizer.cut_short(running, error)
    (record,), _ = world.handed_over
    assert record.status == status


async def test_the_watchdog_and_the_loop_make_one_record_between_them():
    world = World()
    late = world.running(limit=1.0)
    record = world.finalizer.time_out(late)
    assert world.finalizer.time_out(late) is None
    world.finalizer.conclude(ExecutionResult(value=1, written=b"1"), late, PLAIN, 2)
    await asyncio.sleep(0)  # the watchdog's events are posted
    assert (record.status, world.handed_over) == ("timed_out", ([], []))
    assert world.told == ["timed_out"]


async def test_a_request_that_was_taken_wins_over_the_deadline_it_overruns():
    world = World()
    record = world.finalizer.time_out(world.running(limit=1.0, cancelled_by="me"))
    assert (record.status, json.loads(record.payload)["by"]) == ("cancelled", "me")


async def test_what_runs_when_the_worker_stops_is_released_uncharged():
    world = World()
    running = world.running()
    world.finalizer.drain(running)
    world.finalizer.drain(running)
    records_, (release,) = world.handed_over
    assert (records_, release.charge, release.delay) == ([], False, 0.0)
    assert world.told == ["released"]


async def test_an_attempt_is_concluded_once_its_result_is_written():
    def write(verdict, attempt, times):
        assert not running.concluded
        raise MemoryError

    world = World(write=write)
    running = world.running(other_format=True)
    with pytest.raises(MemoryError):
        world.finalizer.conclude(ExecutionResult(value=1), running, PLAIN, 1)
    assert not running.concluded
    assert (world.told, world.handed_over) == ([], ([], []))


async def test_what_the_watchdog_has_recorded_meanwhile_is_not_recorded_again():
    def write(verdict, attempt, times):
        assert world.attempts.record(running)
        return verdict, b""

    world = World(write=write)
    running = world.running(other_format=True)
    world.finalizer.conclude(ExecutionResult(value=1), running, PLAIN, 1)
    assert (world.told, world.handed_over) == ([], ([], []))


async def test_a_whole_record_in_another_format_is_written_once():
    calls = []

    def write(verdict, attempt, times):
        calls.append((verdict.status, attempt.raised))
        return verdict, b"theirs"

    world = World(write=write)
    for error in (None, ValueError("no")):
        running, result = world.running(other_format=True), ExecutionResult(value=1, error=error)
        world.finalizer.writer(result, running)
        world.finalizer.conclude(result, running, PLAIN, 1)
    written, _ = world.handed_over
    assert [record.payload for record in written] == [b"theirs", b"theirs"]
    assert [status for status, _ in calls] == ["succeeded", "failed"]
    assert isinstance(calls[1][1], ValueError)


async def test_expiry_gives_up_the_slot_of_what_does_not_end():
    async def swallows():
        while True:
            try:
                await over.wait()
                return
            except asyncio.CancelledError:
                continue

    over = asyncio.Event()
    world = World()
    running = world.running(limit=1.0)
    task = guarded(swallows(), running)
    world.attempts.start(running, task)
    await asyncio.sleep(0)
    world.finalizer.expire([running])
    world.finalizer.expire([running])
    (record,), _ = world.handed_over
    assert (record.status, running.state) == ("timed_out", State.RECORDING)
    assert world.attempts.task_count == 0
    over.set()
    await asyncio.wait([task])
