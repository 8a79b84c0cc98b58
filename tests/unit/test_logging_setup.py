"""The worker's log as lines of JSON."""

import json
import logging

from gatherq.escape import Escaping
from gatherq_worker.logging_setup import LastResort, protect_loggers


class Hostile(Exception):
    def __str__(self):
        raise AssertionError("its own code runs")


def line(logger_filter=None, **fields):
    record = logging.LogRecord("some.logger", logging.ERROR, "f.py", 3, "a %s", ("b\n\x1b",), None)
    vars(record).update(fields)
    if logger_filter:
        logger_filter.filter(record)
    (text,) = LastResort("json").format(record).splitlines()
    return json.loads(text)


def test_a_record_is_one_line_with_all_of_its_fields():
    found = line(event="job.ended", slot=7, job_id="b\n:7")
    assert found.pop("time").endswith("+00:00")
    fields = {"event": "job.ended", "slot": 7, "job_id": "b\n:7"}
    line_of = {"level": "ERROR", "logger": "some.logger", "message": "a b\n\x1b"}
    assert found == line_of | fields


def test_an_error_is_shown_by_the_text_that_the_worker_made_of_it():
    error = Hostile()
    shows = Escaping(lambda raised: "the text")
    found = line(shows, exc_info=(Hostile, error, None), traceback="from the job")
    assert found["exc_info"] == "  from the job"
    assert "traceback" not in found
    assert found["message"] == "a b\\n\\x1b"  # as in text


def test_what_is_no_json_does_not_lose_the_line():
    found = line(thing=object(), number=float("nan"), inside={"a": [float("inf")]})
    assert found["message"] == "a b\n\x1b"
    assert (found["number"], found["inside"]) == ("nan", {"a": ["inf"]})


def test_no_field_of_a_users_stands_in_place_of_one_of_every_line():
    found = line(level="mine", logger="x", time="never")
    assert (found["level"], found["logger"]) == ("ERROR", "some.logger")
    assert found["time"].endswith("+00:00")
    own = [found[f"extra_{name}"] for name in ("level", "logger", "time")]
    assert own == ["mine", "x", "never"]


def test_a_handler_that_would_end_the_program_ends_nothing(capsys):
    def ends(record):
        raise SystemExit(1)

    logger = logging.getLogger("gatherq.ends")
    handler = logging.Handler()
    handler.emit = ends
    logger.addHandler(handler)
    try:
        protect_loggers()
        logger.warning("one")
    finally:
        logger.removeHandler(handler)
        del logger.callHandlers
    assert "SystemExit: 1" in capsys.readouterr().err


def test_whoever_hears_of_all_records_hears_of_the_workers_too_and_once(monkeypatch):
    heard, call, handled = [], logging.Logger.callHandlers, []

    def hears(self, record):
        heard.append(record.getMessage())
        call(self, record)

    logger = logging.getLogger("gatherq.heard")
    monkeypatch.setattr(logging.Logger, "callHandlers", hears)
    handler = logging.Handler()
    handler.emit = lambda record: handled.append(record.getMessage())
    logger.addHandler(handler)
    try:
        protect_loggers()
        logger.warning("one")
        assert (heard, handled) == (["one"], ["one"])
    finally:
        for name in list(logging.root.manager.loggerDict):
            vars(logging.getLogger(name)).pop("callHandlers", None)
        logger.removeHandler(handler)
