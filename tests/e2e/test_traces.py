"""Traces that go through real workers, as an application with OpenTelemetry's SDK sees them."""

import os

import pytest
from opentelemetry import trace

from gatherq import Inspector
from tests.conftest import until
from tests.spans import all_spans, id_of, links_of, set_provider, spans_of, trace_of

from . import traced
from .shell import Shell


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the spans of this process and of its workers go."""
    set_provider(monkeypatch, traced.provider_of(tmp_path))
    monkeypatch.setenv("TEST_SPANS", str(tmp_path))
    return tmp_path


def process(queue, job):
    return f"process {queue}:{job}"


async def test_a_gather_over_two_workers_is_one_trace(producer, start_worker, queue, folder):
    workers = [start_worker(module="traced") for _ in range(2)]
    assert len(workers) == 2
    with trace.get_tracer("test").start_as_current_span("request"):
        async with until(60):
            await producer.gather(traced.in_loop.call(), traced.in_thread.call())
    jobs = process(queue, "in_loop"), process(queue, "in_thread")
    async with until(10):
        spans = await spans_of(
            folder, "request", "gather", f"send {queue}", *jobs, "in loop", "in thread"
        )
    assert {trace_of(each) for each in spans.values()} == {trace_of(spans["request"])}
    parents = {name: each["parent_id"] for name, each in spans.items()}
    ids = {name: id_of(each) for name, each in spans.items()}
    assert parents == {
        "request": None,
        "gather": ids["request"],
        f"send {queue}": ids["gather"],
        jobs[0]: ids[f"send {queue}"],
        jobs[1]: ids[f"send {queue}"],
        "in loop": ids[jobs[0]],
        "in thread": ids[jobs[1]],
    }
    assert [links_of(spans[job]) for job in jobs] == [[ids[f"send {queue}"]]] * 2
    assert spans["gather"]["pid"] == os.getpid() != spans[jobs[0]]["pid"]


async def in_a_group(producer):
    async with producer.task_group() as group:
        group.create_task(traced.in_loop.call())


async def in_a_map(producer):
    async for outcome in producer.map(lambda _: traced.in_loop.call(), [1]):
        outcome.unwrap()


async def alone(producer):
    await (await producer.submit_one(traced.in_loop.call()))


@pytest.mark.parametrize(
    ("run", "verbs"), [(in_a_group, ["task_group"]), (in_a_map, ["map"]), (alone, [])]
)
async def test_each_verb_that_waits_has_its_jobs_in_its_trace(
    producer, start_worker, queue, folder, run, verbs
):
    start_worker(module="traced")
    path = ["request", *verbs, f"send {queue}", process(queue, "in_loop"), "in loop"]
    async with until(60):
        with trace.get_tracer("test").start_as_current_span("request"):
            await run(producer)
        spans = await spans_of(folder, *path)
    above = [None, *(id_of(spans[name]) for name in path)]
    assert [spans[name]["parent_id"] for name in path] == above[:-1]
    assert all(spans[verb]["attributes"]["gatherq.batch.jobs"] == 1 for verb in verbs)


async def test_a_submitted_job_has_a_trace_of_its_own_with_a_link(
    producer, start_worker, server_url, queue, folder
):
    start_worker(module="traced")
    async with until(60):
        batch = await producer.submit([traced.in_loop.call()])
        await batch.outcomes()
        spans = await spans_of(folder, f"send {queue}", process(queue, "in_loop"), "in loop")
    send, job = spans[f"send {queue}"], spans[process(queue, "in_loop")]
    assert (job["parent_id"], links_of(job)) == (None, [id_of(send)])
    assert trace_of(job) == trace_of(spans["in loop"]) != trace_of(send)
    async with Inspector(server_url, queue=queue) as inspector:
        info = await inspector.batch(batch.id)
    assert f"0x{info.trace}" == trace_of(send)
    shell = Shell(server_url, queue)
    assert f"trace      {info.trace}" in shell.terminal("show", batch.id).lines
    assert shell.pipe("show", batch.id, "--json").json["trace"] == info.trace


@pytest.mark.parametrize("in_batches", ["", "1"])
async def test_spans_of_a_process_of_its_own_are_children_of_its_attempt(
    producer, start_worker, queue, folder, monkeypatch, in_batches
):
    monkeypatch.setenv("TEST_IN_BATCHES", in_batches)
    worker = start_worker("--grace", "1", module="traced")
    async with until(60):
        (pid,) = await producer.gather(traced.in_process.call())
        worker.terminate()  # its own spans may wait for the end of its process
        jobs = process(queue, "in_process")
        spans = await spans_of(folder, "gather", f"send {queue}", jobs, "in process")
    own, attempt = spans["in process"], spans[jobs]
    assert (own["parent_id"], trace_of(own)) == (id_of(attempt), trace_of(attempt))
    assert own["pid"] == pid != attempt["pid"]
    assert attempt["attributes"]["gatherq.job.isolation"] == "process"


async def test_a_batch_that_a_job_submits_is_within_its_span(
    producer, start_worker, server_url, queue, folder
):
    start_worker(module="traced")
    async with until(60):
        await producer.gather(traced.nest.call(server_url, queue))
        names = ["gather", f"send {queue}"]
        outer, inner = process(queue, "nest"), process(queue, "in_loop")
        spans = await all_spans(folder, *names, *names, outer, inner, "in loop")
    by_id = {id_of(each): each for each in spans}
    (own,) = [each for each in spans if each["name"] == "in loop"]
    path = [own["name"]]
    while (above := by_id.get(own["parent_id"])) is not None:
        path.append(above["name"])
        own = above
    assert path == ["in loop", inner, *reversed(names), outer, *reversed(names)]


async def test_the_second_attempt_is_linked_to_the_first(producer, start_worker, queue, folder):
    start_worker(module="traced")
    job = process(queue, "retry")
    async with until(60):
        await producer.gather(traced.retry.call())
        spans = await all_spans(folder, "gather", f"send {queue}", job, job, "again")
    send = next(each for each in spans if each["name"] == f"send {queue}")
    attempts = [each for each in spans if each["name"] == job]
    first, second = sorted(attempts, key=lambda each: each["attributes"]["gatherq.job.attempt"])
    assert first["attributes"]["gatherq.job.outcome"] == "retried"
    assert second["attributes"]["gatherq.job.outcome"] == "succeeded"
    assert links_of(first) == [id_of(send)]
    assert links_of(second) == [id_of(send), id_of(first)]
    assert first["parent_id"] == second["parent_id"] == id_of(send)


async def test_after_the_death_of_a_worker_the_second_attempt_is_in_the_trace(
    producer, start_worker, queue, folder
):
    start_worker(module="traced")
    job = process(queue, "kill_worker")
    async with until(60):
        await producer.gather(traced.kill_worker.call())
        spans = await spans_of(folder, "gather", f"send {queue}", job, "alive")
    attempt = spans[job]
    assert attempt["attributes"]["gatherq.job.attempt"] == 2
    assert attempt["parent_id"] == id_of(spans[f"send {queue}"])


async def test_a_failure_is_an_error_of_its_attempt_and_of_who_waits(
    producer, start_worker, queue, folder
):
    start_worker(module="traced")
    async with until(60):
        with pytest.raises(ValueError, match="no such page"):
            await producer.gather(traced.fail.call())
        spans = await spans_of(folder, "gather", f"send {queue}", process(queue, "fail"))
    attempt, gather = spans[process(queue, "fail")], spans["gather"]
    for each in (attempt, gather):
        assert each["status"] == {
            "status_code": "ERROR",
            "description": "ValueError: no such page",
        }
        assert each["attributes"]["error.type"] == "ValueError"
        (event,) = each["events"]
        assert event["attributes"]["exception.message"] == "no such page"
        assert "traced.py" in event["attributes"]["exception.stacktrace"]
    assert spans[f"send {queue}"]["status"]["status_code"] == "UNSET"


async def test_where_traces_are_off_there_are_none(
    producer, start_worker, queue, folder, monkeypatch
):
    monkeypatch.setenv("GATHERQ_TRACE", "off")
    start_worker(module="traced")
    async with until(60):
        await producer.gather(traced.in_loop.call())
        spans = await spans_of(folder, "gather", f"send {queue}", "in loop")
    assert spans["in loop"]["parent_id"] is None
