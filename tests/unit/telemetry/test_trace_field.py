"""The trace context of a batch: written, read, and whatever else may stand there."""

import pytest
from opentelemetry.trace import INVALID_SPAN, get_current_span

from gatherq.telemetry import trace_field

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize("child", [True, False])
def test_the_field_comes_back_as_the_span_that_it_was_made_of(exported, child):
    span = exported.tracer.start_span("send")
    text = trace_field.encode(span, child=child)
    found = trace_field.decode(text)
    context = span.get_span_context()
    assert (found.sender.trace_id, found.sender.span_id) == (context.trace_id, context.span_id)
    assert (found.child, found.sender.is_remote) == (child, True)
    assert trace_field.trace_id(text) == f"{context.trace_id:032x}"
    assert len(text.partition(" ")[0]) == 55


def test_a_span_of_no_trace_has_no_field():
    assert trace_field.encode(INVALID_SPAN, child=True) == ""


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "child",
        " child",
        "00",
        PARENT[:-3],
        PARENT.replace("-", "_"),
        "00-" + "0" * 32 + PARENT[35:],
        "ff" + PARENT[2:],
        "x" * 1000,
        "\x00é" * 30,
    ],
)
def test_junk_is_no_trace(junk):
    assert trace_field.decode(junk) is None


@pytest.mark.parametrize("junk", ["", "child", PARENT[:-3], PARENT.replace("a", "x"), "é" * 55])
def test_junk_has_no_trace_id(junk):
    assert trace_field.trace_id(junk) == ""


def test_nothing_is_current_where_nothing_is_set_up(exported):
    with exported.tracer.start_as_current_span("own"):
        assert trace_field.current_traceparent() == ""
    trace_field.continue_trace(PARENT)
    assert not get_current_span().get_span_context().is_valid


async def test_a_trace_is_continued_where_its_text_comes_to(sdk):
    trace_field.continue_trace(PARENT)
    assert trace_field.current_traceparent() == PARENT
    sdk.tracer.start_span("in the job").end()
    assert f"{sdk['in the job'].parent.span_id:016x}" == PARENT[36:52]
