"""The spans of a producer, and what its batches have of them."""

import sys

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from gatherq import InvalidCall
from gatherq.contract.batch_origin import BatchOrigin
from gatherq.telemetry import trace_field
from gatherq.telemetry.producer_spans import MOST_CHILDREN, ProducerSpans


def spans(policy="auto"):
    return ProducerSpans(policy, "q", "redis.example", 6379)


def origin(kind="gather"):
    return BatchOrigin(kind, "nightly", by="host.7")


def test_nothing_is_imported_and_nothing_made_without_an_sdk(exported, monkeypatch):
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    with spans().waiting("gather") as waiting, spans().sending("b", 1, origin(), waiting) as trace:
        assert trace == ""
    assert spans().current() is None
    assert "opentelemetry.trace" not in sys.modules


def test_the_api_alone_makes_no_spans(exported):
    with exported.tracer.start_as_current_span("own"):
        assert spans().current() is None
    with spans().sending("b", 1, origin()) as trace:
        assert trace == ""


def test_a_span_of_a_submission_says_what_the_conventions_ask_for(sdk):
    with spans().sending("b", 3, origin()):
        pass
    send = sdk["send q"]
    assert send.kind is SpanKind.PRODUCER
    assert dict(send.attributes) == {
        "messaging.system": "gatherq",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "q",
        "messaging.batch.message_count": 3,
        "messaging.message.conversation_id": "b",
        "messaging.client.id": "host.7",
        "server.address": "redis.example",
        "server.port": 6379,
        "gatherq.batch.jobs": 3,
        "gatherq.batch.label": "nightly",
    }
    with spans().sending("one", 1, BatchOrigin("submit")):
        pass
    assert "messaging.batch.message_count" not in sdk.spans[-1].attributes


def test_a_verb_that_waits_is_the_parent_of_what_it_sends_but_not_current(sdk):
    with spans().waiting("map") as waiting:
        assert spans().current() is None
        for _ in range(2):
            with spans().sending("b", 2, origin("map"), waiting):
                pass
    *sends, verb = sdk.spans
    assert [each.parent.span_id for each in sends] == [verb.context.span_id] * 2
    assert (verb.name, verb.kind) == ("map", SpanKind.INTERNAL)
    assert verb.attributes["gatherq.batch.jobs"] == 4


@pytest.mark.parametrize(
    ("policy", "kind", "size", "child"),
    [
        ("auto", "gather", 2, True),
        ("auto", "submit_one", 1, True),
        ("auto", "submit", 2, False),
        ("auto", "gather", MOST_CHILDREN, True),
        ("auto", "gather", MOST_CHILDREN + 1, False),
        ("child", "submit", MOST_CHILDREN + 1, True),
        ("link", "gather", 2, False),
    ],
)
def test_jobs_belong_to_the_trace_of_code_that_waits_for_them(sdk, policy, kind, size, child):
    with spans(policy).sending("b", size, origin(kind)) as trace:
        assert trace_field.decode(trace).child is child


def test_jobs_of_a_verb_count_together(sdk):
    maker = spans()
    with maker.waiting("map") as waiting:
        for _ in range(MOST_CHILDREN // 100):
            with maker.sending("b", 100, origin("map"), waiting) as trace:
                assert trace_field.decode(trace).child
        with maker.sending("b", 1, origin("map"), waiting) as trace:
            assert not trace_field.decode(trace).child


def test_off_makes_no_spans(sdk):
    with spans("off").waiting("gather") as waiting:
        with spans("off").sending("b", 1, origin(), waiting) as trace:
            assert trace == ""
        with sdk.tracer.start_as_current_span("own"):
            assert spans("off").current() is None
    assert sdk.names == ["own"]


def test_an_error_is_one_of_the_span_and_a_cancellation_is_none(sdk):
    for error in (InvalidCall("no"), KeyboardInterrupt()):
        with pytest.raises(type(error)), spans().waiting("gather"):
            raise error
    failed, stopped = sdk.spans
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.attributes["error.type"] == "gatherq.errors.InvalidCall"
    assert [event.name for event in failed.events] == ["exception"]
    assert (stopped.status.status_code, stopped.events) == (StatusCode.UNSET, ())
