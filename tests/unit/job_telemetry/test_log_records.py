"""Records that are made inside of a job say which; what the caller says of them wins."""

import io
import logging
import logging.handlers
import pickle
import queue
from contextvars import copy_context

import pytest
from opentelemetry import trace

from gatherq.contract.current_job import CurrentJob, set_current
from gatherq_worker.job_telemetry import log_records
from gatherq_worker.job_telemetry.log_records import current_fields, mark_records, words_of_records

OF_BATCH = CurrentJob("b:7", "b", 7, "chop", 2, None, None, worker="w.1")
PLAIN = CurrentJob("an id", None, 0, "mail", 1, None, None)
FORMAT = "%(job_id)s %(batch)s %(slot)s %(job)s %(attempt)s %(worker)s %(message)s"


@pytest.fixture(autouse=True)
def marked():
    before = logging.getLogRecordFactory()
    mark_records("text", "20")
    yield
    logging.setLogRecordFactory(before)


@pytest.fixture
def log():
    """A logger of a user's, with a format that names the fields."""
    logger, out = logging.Logger("mine"), io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logging.Formatter(FORMAT, defaults=dict.fromkeys(_names(), "-")))
    logger.addHandler(handler)
    return logger, out


def _names():
    return [word[2:-2] for word in FORMAT.split()][:-1]


def within(job, call, *args, **kwargs):
    """Call what a handler calls."""

    def run():
        set_current(job)
        return call(*args, **kwargs)

    return copy_context().run(run)


def test_a_format_of_the_users_may_name_the_fields(log):
    logger, out = log
    logger.info("outside")
    within(OF_BATCH, logger.info, "inside %s", "of it")
    within(PLAIN, logger.info, "of arq's")
    assert out.getvalue().splitlines() == [
        "- - - - - - outside",
        "b:7 b 7 chop 2 w.1 inside of it",
        "an id - - mail 1 - of arq's",
    ]


def test_what_the_caller_gives_under_such_a_name_is_no_error_and_wins(log):
    logger, out = log
    within(OF_BATCH, logger.info, "own", extra={"job_id": 5, "worker": "me"})
    assert out.getvalue() == "5 b 7 chop 2 me own\n"


def test_a_filter_may_ask_for_a_field_before_the_message(log):
    logger, out = log
    logger.addFilter(lambda record: getattr(record, "slot", None) != 7)
    within(OF_BATCH, logger.info, "left out")
    within(PLAIN, logger.info, "kept")
    assert out.getvalue() == "an id - - mail 1 - kept\n"


def test_a_record_keeps_its_job_on_its_way_to_another_thread_or_process():
    logger, sent = logging.Logger("mine"), queue.Queue()
    logger.addHandler(logging.handlers.QueueHandler(sent))
    within(OF_BATCH, logger.info, "sent")
    record = pickle.loads(pickle.dumps(sent.get()))
    assert (record.job_id, record.getMessage(), vars(record)["slot"]) == ("b:7", "sent", 7)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        record.nothing  # noqa: B018


def test_a_factory_of_the_users_goes_on_and_one_that_makes_its_own_records_is_left_alone():
    class Own(logging.LogRecord):
        pass

    def makes_plain(*args, **kwargs):
        record = logging.LogRecord(*args, **kwargs)
        record.host = "here"
        return record

    for make, has in ((makes_plain, True), (Own, False)):
        logging.setLogRecordFactory(make)
        mark_records()
        record = within(OF_BATCH, logging.makeLogRecord, {"msg": "x"})
        record.getMessage()
        assert hasattr(record, "job_id") is has
        assert hasattr(record, "host") is has


def test_marking_twice_is_marking_once_and_its_words_stay():
    made = logging.getLogRecordFactory()
    mark_records("json", "10")
    assert logging.getLogRecordFactory() is made
    assert words_of_records() == ("text", "20")
    logging.setLogRecordFactory(logging.LogRecord)
    assert words_of_records() == ()


def test_a_current_span_is_named_and_only_where_there_is_one():
    span = trace.NonRecordingSpan(trace.SpanContext(0xA, 0xB, is_remote=False))

    def traced():
        with trace.use_span(span):
            return current_fields()

    fields = within(OF_BATCH, traced)
    assert (fields["trace_id"], fields["span_id"]) == ("0" * 31 + "a", "0" * 15 + "b")
    assert "trace_id" not in within(OF_BATCH, current_fields)
    assert traced() == {}


def test_without_opentelemetry_none_is_asked(monkeypatch):
    monkeypatch.setattr(log_records, "_TRACING", "not.imported")
    assert set(within(OF_BATCH, current_fields)) == set(_names())
