"""The span of an attempt: what it is current in, what it says, and whose child it is."""

import asyncio
import json

import pytest
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from gatherq import Retry, job
from gatherq.contract.records import Times
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.telemetry import trace_field
from gatherq_worker.engine.conclusion import verdicts
from gatherq_worker.engine.events import JobDied, JobEnded, JobReleased, LeaseLost
from gatherq_worker.engine.options import EngineOptions
from gatherq_worker.registry import Handler
from gatherq_worker.telemetry.job_spans import JobSpans
from gatherq_worker.telemetry.tracing import trace_observers
from tests.unit.engine.parts import Parts


@job()
async def in_loop() -> int:
    await asyncio.sleep(0)
    return get_current_span().get_span_context().span_id


@job()
def in_thread() -> int:
    return get_current_span().get_span_context().span_id


@job()
async def fails() -> None:
    raise KeyError("no")


@job(retries=1)
async def asks_again() -> None:
    raise Retry(0)


@job(retries=1, retry_on=OSError)
async def breaks() -> None:
    raise OSError("no")


@job(retries=1, retry_timeouts=True, timeout=0.01)
async def too_long_once() -> None:
    await asyncio.sleep(60)


@job(timeout=0.01)
async def too_long() -> None:
    await asyncio.sleep(60)


JOBS = (in_loop, in_thread, fails, asks_again, breaks, too_long_once, too_long)


@pytest.fixture
def spans(exported):
    place = {"messaging.client.id": "w", "server.address": "redis.example"}
    return JobSpans(exported.tracer, "q", place, {"in_loop": "jobs.in_loop"})


@pytest.fixture
async def world(spans):
    return Parts(map(Handler.of, JOBS), EngineOptions(observers=[spans]))


@pytest.mark.parametrize(("name", "where"), [("in_loop", "loop"), ("in_thread", "thread")])
async def test_the_span_is_current_in_the_handler_and_not_after_it(world, exported, name, where):
    attempt = world.attempt(name, batch="b", slot=3, size=120, score=1)
    await world.launch(attempt)
    span = exported[f"process q:{name}"]
    (recorded,) = world.recorder.waiting()[0]
    assert json.loads(recorded.payload)["r"] == span.context.span_id
    assert not get_current_span().get_span_context().is_valid
    assert span.attributes["gatherq.job.isolation"] == where
    assert (span.kind, span.parent, span.links) == (SpanKind.CONSUMER, None, ())


async def test_a_span_says_what_the_conventions_ask_for(world, exported):
    attempt = world.attempt("in_loop", number=2, batch="b", slot=3, size=120)
    attempt.score = world.clock.now() - 40
    await world.launch(attempt)
    attributes = dict(exported["process q:in_loop"].attributes)
    assert attributes.pop("gatherq.job.queue_time_ms") >= 40
    assert attributes == {
        "messaging.system": "gatherq",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "q",
        "messaging.message.id": "in_loop",
        "messaging.message.body.size": 120,
        "messaging.message.conversation_id": "b",
        "messaging.client.id": "w",
        "server.address": "redis.example",
        "code.function.name": "jobs.in_loop",
        "gatherq.job.name": "in_loop",
        "gatherq.job.slot": 3,
        "gatherq.job.attempt": 2,
        "gatherq.job.outcome": "succeeded",
        "gatherq.job.isolation": "loop",
    }


async def test_a_failure_is_told_with_its_traceback(world, exported):
    await world.launch(world.attempt("fails"))
    span = exported["process q:fails"]
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "KeyError"
    assert span.attributes["gatherq.job.outcome"] == "failed"
    (event,) = span.events
    assert event.attributes["exception.type"] == "KeyError"
    assert "in fails" in event.attributes["exception.stacktrace"]


async def test_a_timeout_says_which_limit_it_was(world, exported):
    await world.launch(world.attempt("too_long"))
    attributes = exported["process q:too_long"].attributes
    assert attributes["error.type"] == "timeout.execution"
    assert attributes["gatherq.timeout.which"] == "execution"
    assert attributes["gatherq.job.outcome"] == "timed_out"


async def test_an_attempt_that_another_follows_says_so_and_is_linked_by_that(world, exported):
    await world.launch(world.attempt("asks_again"))
    first = exported["process q:asks_again"]
    assert first.attributes["gatherq.job.outcome"] == "retried"
    assert (first.status.status_code, first.events) == (StatusCode.UNSET, ())
    (release,) = world.recorder.waiting()[1]
    second = world.attempt("in_loop", number=2)
    second.remember([release.entry])
    await world.launch(second)
    (link,) = exported["process q:in_loop"].links
    assert link.context.span_id == first.context.span_id


@pytest.mark.parametrize(
    ("name", "error"), [("breaks", "OSError"), ("too_long_once", "timeout.execution")]
)
async def test_an_attempt_that_an_error_or_a_limit_ended_says_so(world, exported, name, error):
    await world.launch(world.attempt(name))
    span = exported[f"process q:{name}"]
    assert span.attributes["gatherq.job.outcome"] == "retried"
    assert span.attributes["error.type"] == error
    assert span.status.status_code is StatusCode.ERROR


@pytest.mark.parametrize(
    ("end", "outcome", "error"),
    [
        (lambda a: JobEnded(a, verdicts.cancelled("cook"), Times(1, 2)), "cancelled", None),
        (lambda a: JobEnded(a, verdicts.lost(2), Times(1, 2)), "lost", "lost"),
        (lambda a: JobDied(a, "killed"), "died", "died"),
        (JobReleased, "released", None),
        (LeaseLost, "lease_lost", "lease_lost"),
    ],
)
async def test_each_end_has_its_word(world, spans, exported, end, outcome, error):
    attempt = world.attempt("in_loop")
    with spans.around(attempt):
        event = end(attempt)
        name = {JobEnded: "job_ended", JobDied: "job_died", LeaseLost: "lease_lost"}
        getattr(spans, name.get(type(event), "job_released"))(event)
        assert exported.names == ["process q:in_loop"]
    (span,) = exported.spans
    assert span.attributes["gatherq.job.outcome"] == outcome
    assert span.attributes.get("error.type") == error
    assert (span.status.status_code is StatusCode.ERROR) is (error is not None)


async def test_an_attempt_that_could_not_begin_ends_its_span_as_released(world, spans, exported):
    with spans.around(world.attempt("in_loop")):
        assert get_current_span().get_span_context().is_valid
        assert exported.spans == ()
    assert not get_current_span().get_span_context().is_valid
    assert exported.spans[0].attributes["gatherq.job.outcome"] == "released"


@pytest.mark.parametrize("child", [True, False])
async def test_a_job_is_linked_to_its_sender_and_a_child_of_it_where_the_batch_says_so(
    world, exported, child
):
    sender = exported.tracer.start_span("send q")
    trace = trace_field.encode(sender, child=child)
    await world.launch(world.attempt("in_loop", batch="b", trace=trace))
    span, sent = exported["process q:in_loop"], sender.get_span_context()
    assert [link.context.span_id for link in span.links] == [sent.span_id]
    assert (span.context.trace_id == sent.trace_id) is child
    assert (span.parent.span_id if child else span.parent) == (sent.span_id if child else None)


async def test_after_a_redrive_a_job_is_linked_alone(world, exported):
    sender = exported.tracer.start_span("send q")
    attempt = world.attempt("in_loop", batch="b", trace=trace_field.encode(sender, child=True))
    attempt.job = attempt.job.model_copy(update={"base": 1})
    await world.launch(attempt)
    span = exported["process q:in_loop"]
    assert (span.parent, len(span.links)) == (None, 1)


async def test_a_trace_that_is_none_and_a_span_around_the_worker_change_nothing(world, exported):
    with exported.tracer.start_as_current_span("the application"):
        attempt = world.attempt("in_loop", batch="b", trace="junk child")
        attempt.history = ({"attempt": 1, "trace": 7},)
        await world.launch(attempt)
    span = exported["process q:in_loop"]
    assert (span.parent, span.links) == (None, ())


async def test_a_description_of_an_error_in_a_process_is_enough(world, spans, exported):
    attempt = world.attempt("in_loop")
    error = ErrorInfo(type="shop.NoStock", message="none left")
    with spans.around(attempt):
        failed = verdicts.Verdict("failed", str(error), {"error": error})
        spans.job_ended(JobEnded(attempt, failed, Times(1, 2)))
    (event,) = exported.spans[0].events
    told = {"exception.type": "shop.NoStock", "exception.message": "none left"}
    assert dict(event.attributes) == told


def test_there_is_an_observer_where_the_sdk_is_set_up_and_traces_are_not_off(sdk, monkeypatch):
    place = ("q", "w", {"f": fails, "g": Parts}, lambda: ("h", 1))
    (observer,) = trace_observers(*place)
    assert isinstance(observer, JobSpans)
    monkeypatch.setenv("GATHERQ_TRACE", "off")
    assert trace_observers(*place) == ()


def test_there_is_none_without_an_sdk(exported):
    assert trace_observers("q", "w", {}, lambda: 1 / 0) == ()
